//! The company and the workspace file it makes.

use std::collections::{BTreeSet, HashMap};

use meritline::demo::company::{Company, DealStage};
use meritline::demo::workspace_text::workspace_yaml;
use serde_json::Value;

/// Counted in the published files by a spreadsheet, not by this program.
#[test]
fn the_company_is_the_published_data_set() {
    let company = Company::load().unwrap();
    assert_eq!(company.agents.len(), 35);
    assert_eq!(company.teams().len(), 6);
    assert_eq!(company.offices(), ["Central", "East", "West"]);
    assert_eq!(company.opportunities.len(), 8800);
    let count = |stage| company.opportunities.iter().filter(|deal| deal.stage == stage).count();
    assert_eq!(
        [DealStage::Won, DealStage::Lost, DealStage::Engaging, DealStage::Prospecting].map(count),
        [4238, 2473, 1589, 500]
    );
    assert_eq!(company.last_close(), Some(jiff::civil::date(2017, 12, 31)));
    assert_eq!(company.contacts.len(), 85, "every account has won contracts");

    let darcel = company.find("darcel-schlecht").unwrap();
    assert_eq!(company.agents[darcel].lead, "Melvin Marxen");
    let record = company.track_record(darcel).unwrap();
    assert_eq!(record.amounts.len(), 349);
    assert!((record.win_rate - 349.0 / 553.0).abs() < 1e-12);

    let nobody_yet = company.find("carl-lin").unwrap();
    let record = company.track_record(nobody_yet).unwrap();
    assert!((record.win_rate - 4238.0 / 6711.0).abs() < 1e-12, "without a past, the company's");
}

#[test]
fn nobody_shares_an_id_a_number_or_a_crm_user() {
    let company = Company::load().unwrap();
    let unique = |of: &dyn Fn(&meritline::demo::company::DemoAgent) -> String| {
        company.agents.iter().map(of).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(unique(&|agent| agent.id.clone()), 35);
    assert_eq!(unique(&|agent| agent.extension.clone()), 35);
    assert_eq!(unique(&|agent| agent.mobile.clone()), 35);
    assert_eq!(unique(&|agent| agent.crm_user.to_string()), 35);
    let phones: BTreeSet<_> = company.contacts.iter().map(|contact| &contact.phone).collect();
    assert_eq!(phones.len(), 85);
    // No area code of country code 7 begins with 0: these numbers ring nobody.
    let mut all = company.agents.iter().map(|agent| &agent.mobile).chain(phones);
    assert!(all.all(|number| number.starts_with("+7000") && number.len() == 12));
}

fn yaml(speed: f64) -> Value {
    let text = workspace_yaml(&Company::load().unwrap(), "http://127.0.0.1:8081", speed.to_string().parse().unwrap());
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn list<'a>(document: &'a Value, key: &str) -> &'a Vec<Value> {
    document[key].as_array().unwrap()
}

#[test]
fn the_workspace_nests_offices_teams_and_all_35_agents() {
    let document = yaml(20.0);
    let groups: HashMap<&str, &Value> = list(&document, "groups").iter().map(|g| (g["id"].as_str().unwrap(), g)).collect();
    assert_eq!(groups.len(), 10, "1 company, 3 offices, 6 teams");
    // Each group's bases are the heads below it; heads counted in sales_teams.csv.
    let mut bases: Vec<(String, f64)> = list(groups["sales"], "members")
        .iter()
        .map(|m| (m["group"].as_str().unwrap().to_owned(), m["base"].as_f64().unwrap()))
        .collect();
    bases.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(bases, [("central".to_owned(), 11.0), ("east".to_owned(), 12.0), ("west".to_owned(), 12.0)]);
    let mut people = BTreeSet::new();
    for (office, base) in bases {
        let mut heads = 0;
        for team in list(groups[office.as_str()], "members") {
            let members = list(groups[team["group"].as_str().unwrap()], "members");
            assert_eq!(members.len() as f64, team["base"].as_f64().unwrap());
            assert_eq!(groups[team["group"].as_str().unwrap()]["policy"], "by-results");
            heads += members.len();
            people.extend(members.iter().map(|m| m.as_str().unwrap().to_owned()));
        }
        assert_eq!(heads as f64, base);
    }
    assert_eq!(people.len(), 35);
    let agents: BTreeSet<String> = list(&document, "agents").iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(people, agents);
}

#[test]
fn references_in_the_workspace_lead_somewhere() {
    let document = yaml(1.0);
    let policies: BTreeSet<&str> = list(&document, "policies").iter().map(|p| p["id"].as_str().unwrap()).collect();
    for group in list(&document, "groups") {
        assert!(policies.contains(group["policy"].as_str().unwrap()));
    }
    let route = &list(&document, "routes")[0];
    assert_eq!(route["group"], "sales");
    assert_eq!(list(route, "called").len(), 2);
    assert_eq!(route["fallback"]["number"], "+70001001000");
    let connections = list(&document, "connections");
    assert_eq!(connections[0]["integration"], "pbx/native");
    assert_eq!(connections[0]["settings"]["token"], "env:MERITLINE_DEMO_PBX_TOKEN");
    assert_eq!(connections[1]["settings"]["portal"], "http://127.0.0.1:8081");
    assert_eq!(connections[1]["settings"]["secret"], "env:MERITLINE_DEMO_CRM_SECRET");
    let crm = connections[1]["id"].as_str().unwrap();
    assert!(list(&document, "agents").iter().all(|agent| agent["crm_users"][crm].is_string()));
}

#[test]
fn what_takes_seconds_of_a_working_day_is_divided_by_the_speed() {
    let policy = |speed: f64| list(&yaml(speed), "policies")[1].clone();
    let real = policy(1.0);
    assert_eq!(real["period"], "36000s");
    assert_eq!(real["dialling"]["ring_seconds"], 20);
    assert_eq!(real["guard"]["wrap_up"]["base_seconds"].as_f64(), Some(30.0));
    let fast = policy(20.0);
    assert_eq!(fast["period"], "1800s");
    assert_eq!(fast["score"]["smoothing"], "720s");
    assert_eq!(fast["dialling"]["ring_seconds"], 1);
    assert_eq!(fast["guard"]["wrap_up"]["base_seconds"].as_f64(), Some(1.5));
    assert_eq!(fast["guard"]["wrap_up"]["max_seconds"].as_f64(), Some(9.0));
    let fastest = policy(1000.0);
    assert_eq!(fastest["period"], "300s", "the shortest period there is");
    assert_eq!(fastest["dialling"]["ring_seconds"], 1);
}
