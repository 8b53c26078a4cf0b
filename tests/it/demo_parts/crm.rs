//! The small CRM, asked over HTTP as its documentation says.

use jiff::tz::TimeZone;
use meritline::demo::company::Company;
use meritline::demo::crm::{BucketLimit, Crm, CrmSettings, serve};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::SteadyClock;

struct Portal {
    base: String,
    crm: Crm,
    client: reqwest::Client,
    stop: CancellationToken,
    serving: tokio::task::JoinSet<()>,
}

impl Portal {
    async fn open(limit: BucketLimit) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = CrmSettings {
            secret: "s3cret".into(),
            today: jiff::civil::date(2026, 11, 24),
            time_zone: TimeZone::get("Europe/Moscow").unwrap(),
            limit,
            clock: SteadyClock::shared(),
        };
        let crm = Crm::new(&Company::load().unwrap(), settings);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/rest/1/s3cret", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let mut serving = tokio::task::JoinSet::new();
        let (served, ended) = (crm.clone(), stop.clone());
        serving.spawn(async move { serve(listener, served, ended).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, crm, client, stop, serving }
    }

    async fn demo() -> Self {
        Self::open(BucketLimit::DEMO).await
    }

    async fn ask(&self, method: &str, body: Value) -> (u16, Value) {
        self.ask_at(&format!("{}/{method}", self.base), body).await
    }

    async fn ask_at(&self, url: &str, body: Value) -> (u16, Value) {
        let reply = self.client.post(url).json(&body).send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    }

    /// Everything that matches, as the documentation advises for volume: by id, `start: -1`.
    async fn all(&self, filter: Value) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let mut filter = filter.clone();
            filter[">id"] = rows.last().map_or(json!(0), |row| row["id"].clone());
            let body = json!({"entityTypeId": 2, "order": {"id": "ASC"}, "filter": filter, "start": -1,
                "select": ["id", "assignedById", "opportunity", "currencyId", "stageSemanticId", "movedTime", "updatedTime", "closedate"]});
            let (status, reply) = self.ask("crm.item.list", body).await;
            assert_eq!(status, 200, "{reply}");
            assert!(reply.get("total").is_none() && reply.get("next").is_none(), "start -1 counts nothing");
            let page = reply["result"]["items"].as_array().unwrap().clone();
            let last = page.len() < 50;
            assert!(page.len() <= 50);
            rows.extend(page);
            if last {
                return rows;
            }
        }
    }

    async fn close(mut self) {
        self.stop.cancel();
        self.serving.join_next().await.unwrap().unwrap();
    }
}

/// The totals are those of the published file (a spreadsheet's counts and sum).
#[tokio::test]
async fn keyset_pages_give_every_opportunity_once() {
    let portal = Portal::demo().await;
    let rows = portal.all(json!({})).await;
    assert_eq!(rows.len(), 8800);
    assert!(rows.windows(2).all(|pair| pair[0]["id"].as_u64() < pair[1]["id"].as_u64()));
    let of = |semantic: &str| rows.iter().filter(|row| row["stageSemanticId"] == semantic).collect::<Vec<_>>();
    assert_eq!((of("S").len(), of("F").len(), of("P").len()), (4238, 2473, 2089));
    let revenue: Decimal = of("S").iter().map(|row| row["opportunity"].to_string().parse::<Decimal>().unwrap()).sum();
    assert_eq!(revenue, Decimal::from(10_005_534));
    // Row 1 of the file: won on 1 March 2017, 305 days before the last close (31 December).
    assert_eq!(rows[0]["movedTime"], "2026-01-23T00:00:00+03:00");
    assert_eq!(rows[0]["opportunity"].to_string(), "1054");
    assert_eq!(rows[0]["currencyId"], "USD");
    let last = rows.iter().filter_map(|row| row["closedate"].as_str()).max();
    assert_eq!(last, Some("2026-11-24T00:00:00+03:00"), "the last close is today");
    portal.close().await;
}

#[tokio::test]
async fn a_counted_list_says_how_many_and_where_to_go_on() {
    let portal = Portal::demo().await;
    let body = json!({"entityTypeId": 2, "filter": {"stageSemanticId": "S"}, "order": {"opportunity": "DESC", "id": "ASC"},
        "select": ["opportunity"], "start": 50});
    let (status, reply) = portal.ask("crm.item.list", body).await;
    assert_eq!(status, 200);
    assert_eq!((&reply["total"], &reply["next"]), (&json!(4238), &json!(100)));
    let amounts: Vec<u64> =
        reply["result"]["items"].as_array().unwrap().iter().map(|row| row["opportunity"].as_u64().unwrap()).collect();
    assert_eq!(amounts.len(), 50);
    assert!(amounts.windows(2).all(|pair| pair[0] >= pair[1]));
    for field in ["start", "finish", "duration", "processing", "date_start", "date_finish", "operating"] {
        assert!(reply["time"].get(field).is_some(), "time.{field}");
    }
    portal.close().await;
}

#[tokio::test]
async fn what_changed_since_is_found_by_its_time() {
    let portal = Portal::demo().await;
    let since = json!({">=updatedTime": "2026-11-24T13:00:00+03:00"});
    assert_eq!(portal.all(since.clone()).await, Vec::<Value>::new());
    let deal = portal.crm.add_deal(20, "Order by telephone", Decimal::from(3304), "2026-11-24T10:30:00Z".parse().unwrap());
    assert_eq!(deal, 8801);
    let open = portal.all(since.clone()).await;
    assert_eq!((open.len(), &open[0]["stageSemanticId"]), (1, &json!("P")));
    assert!(portal.crm.win(deal, "2026-11-24T10:45:00Z".parse().unwrap()));
    let won = portal.all(since).await;
    assert_eq!(won.len(), 1);
    assert_eq!((&won[0]["stageSemanticId"], &won[0]["updatedTime"]), (&json!("S"), &json!("2026-11-24T13:45:00+03:00")));
    let totals = portal.crm.totals();
    assert_eq!((totals.deals, totals.won, totals.revenue), (8801, 4239, Decimal::from(10_008_838)));
    assert!(!portal.crm.lose(99_999, "2026-11-24T10:45:00Z".parse().unwrap()), "there is no such deal");
    portal.close().await;
}

#[tokio::test]
async fn filters_mean_what_the_documentation_says() {
    let portal = Portal::demo().await;
    let count = async |filter: Value| {
        let (status, reply) = portal.ask("crm.item.list", json!({"entityTypeId": 2, "filter": filter, "select": ["id"]})).await;
        assert_eq!(status, 200, "{reply}");
        reply["total"].as_u64().unwrap()
    };
    assert_eq!(count(json!({"@stageSemanticId": ["S", "F"]})).await, 6711);
    assert_eq!(count(json!({"!stageSemanticId": "P"})).await, 6711);
    assert_eq!(count(json!({"!@stageId": ["NEW", "WON", "LOSE"]})).await, 1589);
    assert_eq!(count(json!({"<=id": 10, ">id": "7"})).await, 3);
    // Darcel Schlecht is the 10th agent of the file: users begin with 11.
    assert_eq!(count(json!({"assignedById": 20, "stageSemanticId": "S"})).await, 349);
    assert_eq!(count(json!({"0": {"logic": "OR", "0": {"stageId": "WON"}, "1": {"stageId": "LOSE"}}})).await, 6711);
    assert_eq!(count(json!({"%title": "isdom", "stageId": "WON"})).await, 65, "as awk counts in the file");
    assert_eq!(
        count(json!({">=closedate": "2026-11-24"})).await,
        count(json!({">=closedate": "2026-11-24T00:00:00+03:00"})).await
    );
    portal.close().await;
}

#[tokio::test]
async fn refusals_have_the_documented_form() {
    let portal = Portal::demo().await;
    let refused = |reply: (u16, Value)| (reply.0, reply.1["error"].as_str().unwrap().to_owned());
    let list = json!({"entityTypeId": 2});
    let wrong = portal.base.replace("s3cret", "guess") + "/crm.item.list";
    assert_eq!(refused(portal.ask_at(&wrong, list.clone()).await), (401, "NO_AUTH_FOUND".to_owned()));
    let wrong = portal.base.replace("/rest/1/", "/rest/2/") + "/crm.item.list";
    assert_eq!(refused(portal.ask_at(&wrong, list).await), (401, "NO_AUTH_FOUND".to_owned()));
    assert_eq!(refused(portal.ask("crm.deal.frobnicate", json!({})).await), (404, "ERROR_METHOD_NOT_FOUND".to_owned()));
    assert_eq!(refused(portal.ask("crm.item.list", json!({})).await), (400, "100".to_owned()));
    assert_eq!(refused(portal.ask("crm.item.list", json!({"entityTypeId": 177})).await), (400, "NOT_FOUND".to_owned()));
    for (bad, words) in [
        (json!({"filter": {">secret": 1}}), "Invalid filter: field 'secret' is not allowed in filter"),
        (json!({"filter": {">=updatedTime": "yesterday"}}), "Invalid filter: field 'updatedTime' has invalid value"),
        (json!({"filter": {"id": {"a": 1}}}), "Invalid filter: field 'id' has invalid value"),
        (json!({"order": {"secret": "ASC"}}), "Invalid order: field 'secret' is not allowed in order"),
        (json!({"order": {"id": "UP"}}), "Invalid order: allowed sort directions are ASC, DESC. But got 'UP' for field 'id'"),
    ] {
        let mut body = bad;
        body["entityTypeId"] = json!(2);
        let (status, reply) = portal.ask("crm.item.list", body).await;
        assert_eq!((status, reply["error"].as_str()), (400, Some("INVALID_ARG_VALUE")));
        assert_eq!(reply["error_description"], words);
    }
    let reply = portal.client.post(format!("{}/crm.item.list", portal.base)).body("{not json").send().await.unwrap();
    assert_eq!(reply.status(), 400);
    assert_eq!(reply.json::<Value>().await.unwrap()["error"], "INVALID_REQUEST");
    portal.close().await;
}

#[tokio::test]
async fn too_many_requests_are_refused_until_the_bucket_has_leaked() {
    let portal = Portal::open(BucketLimit { burst: 3.0, leak_per_second: 20.0 }).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(portal.ask("user.get", json!({"ID": 11})).await);
    }
    assert!(statuses[..3].iter().all(|(status, _)| *status == 200));
    let refused = statuses.iter().find(|(status, _)| *status == 503).expect("5 at once are more than 3");
    assert_eq!(refused.1["error"], "QUERY_LIMIT_EXCEEDED");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(portal.ask("user.get", json!({"ID": 11})).await.0, 200);
    portal.close().await;
}

#[tokio::test]
async fn callers_and_users_are_found() {
    let portal = Portal::demo().await;
    let company = Company::load().unwrap();
    let isdom = company.contacts.iter().find(|contact| contact.name == "Isdom").unwrap();
    // The latest contract with Isdom in the file.
    let latest =
        company.opportunities.iter().filter(|deal| deal.account.as_deref() == Some("Isdom") && deal.amount > Some(Decimal::ZERO));
    let latest_close = latest.clone().filter_map(|deal| deal.closed).max();
    assert!(latest.clone().any(|deal| deal.closed == latest_close && deal.agent == isdom.agent));
    for spelling in [isdom.phone.clone(), isdom.phone.trim_start_matches('+').to_owned()] {
        let (status, reply) = portal.ask("telephony.externalCall.searchCrmEntities", json!({"PHONE_NUMBER": spelling})).await;
        assert_eq!(status, 200);
        let card = &reply["result"][0];
        let manager = &company.agents[isdom.agent];
        assert_eq!((&card["NAME"], &card["CRM_ENTITY_TYPE"]), (&json!("Isdom"), &json!("COMPANY")));
        assert_eq!(card["ASSIGNED_BY_ID"], manager.crm_user);
        assert_eq!(card["ASSIGNED_BY"]["USER_PHONE_INNER"], manager.extension.as_str());
        let (_, user) = portal.ask("user.get", json!({"ID": manager.crm_user})).await;
        assert_eq!(user["result"][0]["UF_PHONE_INNER"], manager.extension.as_str());
    }
    let (_, nobody) = portal.ask("telephony.externalCall.searchCrmEntities", json!({"PHONE_NUMBER": "+70005550000"})).await;
    assert_eq!(nobody["result"], json!([]));
    let (status, empty) = portal.ask("telephony.externalCall.searchCrmEntities", json!({})).await;
    assert_eq!(
        (status, empty["error"].as_str(), empty["error_description"].as_str()),
        (400, Some("ERROR_CORE"), Some("PHONE_NUMBER is empty"))
    );
    let (_, users) = portal.ask("user.get", json!({})).await;
    assert_eq!((users["result"].as_array().unwrap().len(), &users["total"]), (35, &json!(35)));
    portal.close().await;
}
