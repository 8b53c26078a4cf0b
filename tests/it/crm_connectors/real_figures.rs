//! The public sales data through the `csv` connector, and on to scores. Counts were made by other means: `cut`, `sort` and `uniq`
//! over the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use meritline::broker::ports::{DealSource, Extent, Pull};
use meritline::core::deal::DealStatus;
use meritline::core::ids::AgentId;
use meritline::core::scoring::score;
use meritline::core::scoring::score_input::ScoreInput;
use meritline::core::workspace::{Connection, ConnectionKind, PolicyIx, Workspace};
use meritline::integration::crm::{Connector, ConnectorContext, Patience};
use meritline::integration::secrets::EnvAndFiles;
use meritline::outbound::HttpClient;
use meritline::service::settings_check::Integrations;
use meritline::workspace_file;
use rust_decimal::Decimal;
use serde_json::json;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/data")
}

fn sheet() -> Connection {
    Connection {
        id: "sheet".into(),
        integration: "crm/csv".to_owned(),
        kind: ConnectionKind::Crm { refresh_seconds: 300 },
        settings: json!({"deals": {
            "path": "sales_pipeline.csv", "date_format": "%m/%d/%Y", "currency": "RUB", "won": ["Won"], "lost": ["Lost"],
            "columns": {"deal": "opportunity_id", "user": "sales_agent", "status": "deal_stage", "amount": "close_value",
                        "opened_at": "engage_date", "closed_at": "close_date"}}}),
    }
}

fn now() -> Timestamp {
    "2026-11-23T07:00:00Z".parse().unwrap()
}

async fn pull_from(sheet: &Connection, cursor: Option<&str>) -> Pull {
    let context = ConnectorContext {
        http: Arc::new(HttpClient::new(Vec::new())),
        secrets: &EnvAndFiles { env: Box::new(|_| None), files_root: data() },
        files_root: data(),
        time_zone: TimeZone::get("Europe/Moscow").unwrap(),
        default_region: "RU".to_owned(),
        currency: "RUB".parse().unwrap(),
        patience: Patience::default(),
    };
    Connector::build(sheet, context).unwrap().pull(cursor, now()).await.unwrap()
}

async fn pull(cursor: Option<&str>) -> Pull {
    pull_from(&sheet(), cursor).await
}

#[tokio::test]
async fn the_file_gives_the_published_figures() {
    let pull = pull(None).await;
    assert_eq!((pull.rows_read, pull.rows_rejected, pull.extent), (8800, 0, Extent::Everything));
    let won: Vec<_> = pull.deals.iter().filter(|deal| deal.status == DealStatus::Won).collect();
    let lost = pull.deals.iter().filter(|deal| deal.status == DealStatus::Lost).count();
    assert_eq!((won.len(), lost, pull.deals.len()), (4238, 2473, 8800));
    let revenue: Decimal = won.iter().filter_map(|deal| deal.amount).sum();
    assert_eq!(revenue, Decimal::from(10_005_534));
    let mut by_user: BTreeMap<String, (u32, Decimal)> = BTreeMap::new();
    for deal in &won {
        let of_user = by_user.entry(deal.user.as_ref().unwrap().to_string()).or_default();
        of_user.0 += 1;
        of_user.1 += deal.amount.unwrap();
    }
    assert_eq!(by_user.len(), 30);
    let (contracts, amount) = by_user["Darcel Schlecht"];
    assert_eq!((contracts, (amount / Decimal::from(contracts)).round_dp(3)), (349, "3304.338".parse().unwrap()));
    let (contracts, amount) = by_user["Versie Hillebrand"];
    assert_eq!((contracts, amount / Decimal::from(contracts)), (176, "1066.4375".parse().unwrap()));
    let closed = |deal: &&meritline::core::deal::Deal| deal.status != DealStatus::Open;
    let darcel =
        pull.deals.iter().filter(closed).filter(|deal| deal.user.as_ref().unwrap().as_str() == "Darcel Schlecht").count();
    assert_eq!(darcel, 553);
    assert!(pull.deals.iter().filter(closed).all(|deal| deal.closed_at.is_some()));
    let ids: BTreeSet<&str> = pull.deals.iter().map(|deal| deal.deal.as_str()).collect();
    assert_eq!(ids.len(), 8800);
}

/// The first row, by hand: won on 3/1/2017 in Moscow, three hours before UTC.
#[tokio::test]
async fn one_row_is_read_as_written() {
    let pull = pull(None).await;
    let first = &pull.deals[0];
    assert_eq!((first.deal.as_str(), first.user.as_ref().unwrap().as_str()), ("1C1I7A6R", "Moses Frase"));
    assert_eq!((first.amount, first.status), (Some(Decimal::from(1054)), DealStatus::Won));
    assert_eq!(first.closed_at, Some("2017-02-28T21:00:00Z".parse().unwrap()));
    assert_eq!(first.opened_at, Some("2016-10-19T21:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn a_file_that_did_not_change_brings_nothing_new() {
    let first = pull(None).await;
    let again = pull(first.cursor.as_deref()).await;
    assert_eq!((again.extent, again.deals.len(), again.rows_read), (Extent::Changes, 0, 8800));
}

/// A workspace file for everybody of the published team: their results count for ever and alike, whenever they were.
fn workspace_of_the_team() -> Workspace {
    let mut rows = csv::Reader::from_path(data().join("sales_teams.csv")).unwrap();
    let names: Vec<String> = rows.records().map(|row| row.unwrap()[0].to_owned()).collect();
    let agent = |(at, name): (usize, &String)| json!({"id": id(name), "name": name, "numbers": [{"sip": format!("{}", 100 + at)}], "crm_users": {"sheet": name}});
    // As a company would read the sheet: open deals have no start, so that none is ever overdue.
    let mut settings = sheet().settings;
    settings["deals"]["columns"].as_object_mut().unwrap().remove("opened_at");
    let document = json!({
        "workspace": "acme", "name": "ACME Sales", "time_zone": "Europe/Moscow", "default_region": "RU", "currency": "RUB",
        "agents": names.iter().enumerate().map(agent).collect::<Vec<_>>(),
        "groups": [{"id": "sales", "members": names.iter().map(|name| id(name)).collect::<Vec<_>>(), "policy": "by-results"}],
        "policies": [{"id": "by-results", "mode": "performance", "period": "10h", "count": "answered",
                      "score": {"crm": ["sheet"], "horizon": "all", "half_life": "none"}}],
        "routes": [{"id": "main", "called": "any", "group": "sales"}],
        "connections": [{"id": "sheet", "integration": "crm/csv", "settings": settings}],
    });
    // JSON is YAML.
    workspace_file::read(&document.to_string(), "workspace.yaml", &Integrations).unwrap().workspace
}

fn id(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

/// From the file to scores: as the service goes, but for its store.
#[tokio::test]
async fn the_scores_of_the_pulled_file() {
    let workspace = workspace_of_the_team();
    let connection = workspace.find_connection(&"sheet".into()).unwrap();
    let pull = pull_from(connection, None).await;
    let input = ScoreInput::of(&workspace, PolicyIx(0), now()).unwrap();
    let table = score::compute(&input, pull.deals.iter().map(|deal| (&connection.id, deal)));

    assert_eq!(table.agents.len(), 35);
    assert_eq!(table.agents.iter().filter(|agent| agent.contracts_closed > 0).count(), 30);
    assert_eq!(table.agents.iter().map(|agent| agent.contracts_closed).sum::<u64>(), 4238);
    assert_eq!(table.agents.iter().map(|agent| agent.revenue).sum::<Decimal>(), Decimal::from(10_005_534));
    assert!(table.unmapped_users.is_empty());

    let of = |name: &str| table.score_of(&AgentId::from(id(name))).unwrap();
    let darcel = of("Darcel Schlecht");
    assert_eq!((darcel.contracts_closed, darcel.opportunities), (349, 553));
    // 1153214 / 349
    assert_eq!(darcel.average_check.unwrap().round_dp(6), "3304.338109".parse().unwrap());
    let versie = of("Versie Hillebrand");
    assert_eq!((versie.contracts_closed, versie.average_check), (176, Some("1066.4375".parse().unwrap())));
    for name in ["Carl Lin", "Carol Thompson", "Elizabeth Anderson", "Mei-Mei Johns", "Natalya Ivanova"] {
        assert_eq!((of(name).opportunities, of(name).value), (0, 1.0), "{name}");
    }
}
