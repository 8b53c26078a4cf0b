//! The public sales data through the `csv` connector. Counts were made by other means: `cut`, `sort` and `uniq` over the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use meritline::broker::ports::{DealSource, Extent, Pull};
use meritline::core::deal::DealStatus;
use meritline::core::workspace::{Connection, ConnectionKind};
use meritline::integration::crm::{Connector, ConnectorContext, Patience};
use meritline::integration::secrets::EnvAndFiles;
use meritline::outbound::HttpClient;
use rust_decimal::Decimal;
use serde_json::json;

async fn pull(cursor: Option<&str>) -> Pull {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/data");
    let connection = Connection {
        id: "sheet".into(),
        integration: "crm/csv".to_owned(),
        kind: ConnectionKind::Crm { refresh_seconds: 300 },
        settings: json!({"deals": {
            "path": "sales_pipeline.csv", "date_format": "%m/%d/%Y", "currency": "RUB", "won": ["Won"], "lost": ["Lost"],
            "columns": {"deal": "opportunity_id", "user": "sales_agent", "status": "deal_stage", "amount": "close_value",
                        "opened_at": "engage_date", "closed_at": "close_date"}}}),
    };
    let context = ConnectorContext {
        http: Arc::new(HttpClient::new(Vec::new())),
        secrets: &EnvAndFiles { env: Box::new(|_| None), files_root: folder.clone() },
        files_root: folder,
        time_zone: TimeZone::get("Europe/Moscow").unwrap(),
        default_region: "RU".to_owned(),
        currency: "RUB".parse().unwrap(),
        patience: Patience::default(),
    };
    let now = "2026-11-23T07:00:00Z".parse().unwrap();
    Connector::build(&connection, context).unwrap().pull(cursor, now).await.unwrap()
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
