//! The scores of a real sales team, against figures that were computed by other means.
//!
//! The tables below come from a script of some thirty lines of Python that reads the same two files with its `csv` module and applies
//! the published formulas with `decimal` (the figures of all time) and `float` (the faded ones), `statistics.median` and
//! nothing of this program. The counts were taken there with a dictionary per agent, won and lost apart.

use super::*;
use jiff::civil::Date;
use meritline::core::shares::target_share::bounded_shares;

#[derive(Clone, Copy, PartialEq)]
enum Dates {
    /// As the sample workspace reads the file: close dates alone.
    ClosedOnly,
    /// The engage date, too, as the opening.
    Both,
}

fn rows(name: &str) -> Vec<csv::StringRecord> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/data").join(name);
    csv::Reader::from_path(path).unwrap().records().map(|row| row.unwrap()).collect()
}

/// The start of a `month/day/year` in UTC; none for an empty text.
fn start_of_day(text: &str) -> Option<Timestamp> {
    (!text.is_empty()).then(|| Date::strptime("%m/%d/%Y", text).unwrap().at(0, 0, 0, 0).in_tz("UTC").unwrap().timestamp())
}

/// Columns: opportunity_id, sales_agent, product, account, deal_stage, engage_date, close_date, close_value.
fn sales_records(dates: Dates) -> Vec<Deal> {
    let read = |row: &csv::StringRecord| {
        let status = match &row[4] {
            "Won" => DealStatus::Won,
            "Lost" => DealStatus::Lost,
            _ => DealStatus::Open,
        };
        Deal {
            amount: (!row[7].is_empty()).then(|| money(&row[7])),
            opened_at: if dates == Dates::Both { start_of_day(&row[5]) } else { None },
            closed_at: start_of_day(&row[6]),
            ..deal(&row[0], &row[1], status)
        }
    };
    rows("sales_pipeline.csv").iter().map(read).collect()
}

fn team() -> Vec<String> {
    rows("sales_teams.csv").iter().map(|row| row[0].to_owned()).collect()
}

fn scores_at(moment: &str, settings: ScoreSettings, deals: &[Deal]) -> ScoreTable {
    let team = team();
    let names: Vec<&str> = team.iter().map(String::as_str).collect();
    let workspace = workspace(&names, settings);
    let bitrix = ConnectionId::from("bitrix");
    let input = ScoreInput::of(&workspace, BY_RESULTS, moment.parse().unwrap()).unwrap();
    score::compute(&input, deals.iter().map(|deal| (&bitrix, deal)))
}

fn of_all_time() -> ScoreTable {
    scores_at("2018-01-01T00:00:00Z", timeless(), &sales_records(Dates::ClosedOnly))
}

#[test]
fn the_team_as_a_whole() {
    let table = of_all_time();
    assert_eq!(table.agents.len(), 35);
    assert_eq!(table.agents.iter().filter(|agent| agent.contracts_closed > 0).count(), 30);
    assert_eq!((table.pool.contracts_closed, table.pool.opportunities), (4238, 4238 + 2473));
    assert_eq!(table.pool.revenue, money("10005534"));
    assert_eq!((table.pool.median_amount, table.pool.cap), (Some(money("1117")), Some(money("3351"))));
    assert_near(table.pool.base_rate.unwrap(), 4238.0 / 6711.0, 1e-15);
    // 7461832 / 4238
    assert_eq!(table.pool.mean_capped_amount.unwrap().round_dp(9), money("1760.696554979"));
    assert_eq!((table.unmapped_users.len(), table.notes.open_deals_without_start), (0, 8800 - 4238 - 2473));
}

#[test]
fn two_people_by_hand() {
    let table = of_all_time();
    let darcel = of(&table, "Darcel Schlecht");
    assert_eq!((darcel.contracts_closed, darcel.opportunities, darcel.revenue), (349, 553, money("1153214")));
    assert_eq!(darcel.average_check.unwrap().round_dp(6), money("3304.338109"));
    let versie = of(&table, "Versie Hillebrand");
    assert_eq!((versie.contracts_closed, versie.average_check), (176, Some(money("1066.4375"))));
}

#[test]
fn everybody_counted_by_other_means() {
    let table = of_all_time();
    assert_eq!(OF_ALL_TIME.len(), 35);
    for (agent, contracts, closed, revenue, capped, conversion, check, value) in OF_ALL_TIME {
        let score = of(&table, agent);
        assert_eq!((score.contracts_closed, score.opportunities), (contracts, closed), "{agent}");
        assert_eq!(score.revenue, money(revenue), "{agent}");
        assert_eq!(score.capped_check, (contracts > 0).then(|| money(capped) / Decimal::from(contracts)), "{agent}");
        assert_near(score.conversion_index, conversion, 1e-9);
        assert_near(score.check_index, check, 1e-9);
        assert_near(score.value, value, 1e-9);
    }
}

#[test]
fn people_without_opportunities_are_average() {
    let table = of_all_time();
    for agent in ["Carl Lin", "Carol Thompson", "Elizabeth Anderson", "Mei-Mei Johns", "Natalya Ivanova"] {
        assert_eq!((of(&table, agent).value, of(&table, agent).opportunities), (1.0, 0), "{agent}");
    }
}

#[test]
fn everybody_faded_and_with_overdue_deals() {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
    let table = scores_at("2018-01-01T00:00:00Z", settings, &sales_records(Dates::Both));
    assert_eq!(table.pool.median_seconds_to_close, Some(44.0 * DAY as f64));
    assert_eq!((table.notes.overdue_open_deals, table.notes.open_deals_without_start), (745, 500));
    assert_eq!(table.pool.opportunities, 1958 + 745);
    assert_eq!(table.pool.median_amount, Some(money("1129")));
    assert_near(table.pool.base_rate.unwrap(), 0.528301339014, 1e-12);
    let undecided: f64 = table.agents.iter().map(|agent| agent.faded_undecided).sum();
    assert_near(undecided, 3.557177914, 1e-9);
    assert_eq!(table.pool.mean_capped_amount.unwrap().round_dp(9), money("1713.204755191"));
    assert_eq!(FADED.len(), 35);
    for (agent, contracts, opportunities, conversion, check, value) in FADED {
        let score = of(&table, agent);
        assert_eq!((score.contracts_closed, score.opportunities), (contracts, opportunities), "{agent}");
        assert_near(score.conversion_index, conversion, 1e-9);
        assert_near(score.check_index, check, 1e-9);
        assert_near(score.value, value, 1e-9);
    }
}

#[test]
fn shares_of_the_team_stay_in_proportion_while_no_bound_holds() {
    // Values run from 0.536 to 1.415 around a mean near 1: nobody meets half or twice the base share.
    let table = of_all_time();
    let values: Vec<f64> = table.agents.iter().map(|agent| agent.value).collect();
    let shares = bounded_shares(&[1.0; 35], &values, 1.0, 0.5, 2.0);
    let sum: f64 = OF_ALL_TIME.iter().map(|row| row.7).sum();
    for (agent, share) in table.agents.iter().zip(&shares) {
        let value = OF_ALL_TIME.iter().find(|row| row.0 == agent.agent.as_str()).unwrap().7;
        assert_near(*share, value / sum, 1e-9);
    }
}

type OfAllTime = (&'static str, u64, u64, &'static str, &'static str, f64, f64, f64);

/// Won, closed, revenue, revenue with each contract cut off at 3351, and the indices, over all time.
#[rustfmt::skip]
const OF_ALL_TIME: [OfAllTime; 35] = [
    ("Anna Snelling", 208, 336, "275056", "212574", 0.981167987188, 0.599692198962, 0.588398787788),
    ("Boris Faz", 101, 153, "261631", "195966", 1.041084575779, 1.092795215211, 1.137692243041),
    ("Carl Lin", 0, 0, "0", "0", 1.0, 1.0, 1.0),
    ("Carol Thompson", 0, 0, "0", "0", 1.0, 1.0, 1.0),
    ("Cassey Cress", 163, 261, "450489", "352963", 0.98958003048, 1.216576994029, 1.203900298832),
    ("Cecily Lampkin", 107, 160, "229800", "192541", 1.053673559763, 1.020128342167, 1.074882261707),
    ("Corliss Cosme", 150, 229, "421036", "303246", 1.034837684992, 1.138941874462, 1.178619972709),
    ("Daniell Hammack", 114, 187, "364229", "261027", 0.968064810334, 1.276226788153, 1.235470243616),
    ("Darcel Schlecht", 349, 553, "1153214", "845743", 0.999388150614, 1.365865429252, 1.365029725328),
    ("Donn Cantrell", 158, 275, "445860", "342391", 0.914720581554, 1.217043917633, 1.113255120114),
    ("Elease Gluck", 80, 126, "289195", "110652", 1.004811195512, 0.809395357303, 0.813289516614),
    ("Elizabeth Anderson", 0, 0, "0", "0", 1.0, 1.0, 1.0),
    ("Garret Kinder", 75, 123, "197773", "152718", 0.969494411813, 1.138085446041, 1.103367480102),
    ("Gladys Colclough", 135, 232, "345674", "269427", 0.926469496137, 1.124296281719, 1.041626209634),
    ("Hayden Neloms", 107, 152, "272111", "246538", 1.103897728902, 1.282247796657, 1.41547043062),
    ("James Ascencio", 135, 206, "413533", "287018", 1.035055491853, 1.193199262779, 1.235027449815),
    ("Jonathan Berthelot", 171, 264, "284886", "227496", 1.024241489044, 0.769104719852, 0.787748963492),
    ("Kami Bicknell", 174, 272, "316456", "253160", 1.012278599102, 0.83578262888, 0.846044868716),
    ("Kary Hendrixson", 209, 335, "454298", "337863", 0.988478249173, 0.92187976573, 0.911258096776),
    ("Lajuana Vencill", 127, 231, "194632", "170190", 0.878900245486, 0.778544585982, 0.684263027742),
    ("Markita Hansen", 130, 227, "328792", "211171", 0.912940563735, 0.928114683211, 0.847313542102),
    ("Marty Freudenburg", 122, 194, "291195", "223601", 0.996142955778, 1.03784667902, 1.033843658483),
    ("Maureen Marcano", 149, 213, "350395", "265138", 1.100272838635, 1.009981088766, 1.111254759504),
    ("Mei-Mei Johns", 0, 0, "0", "0", 1.0, 1.0, 1.0),
    ("Moses Frase", 129, 195, "207182", "172715", 1.043993419286, 0.777659710793, 0.811871620512),
    ("Natalya Ivanova", 0, 0, "0", "0", 1.0, 1.0, 1.0),
    ("Niesha Huffines", 105, 175, "176961", "142163", 0.954257134379, 0.789065011987, 0.752970917177),
    ("Reed Clapper", 155, 237, "438336", "334922", 1.033409673771, 1.213462466947, 1.254003852101),
    ("Rosalina Dieter", 72, 110, "235403", "104401", 1.031900091882, 0.845064423334, 0.872022056085),
    ("Rosie Papadopoulos", 78, 121, "230169", "167484", 1.018382226146, 1.194587687898, 1.216546868928),
    ("Versie Hillebrand", 176, 264, "187693", "154587", 1.05253545283, 0.525799863534, 0.553422997462),
    ("Vicki Laflamme", 221, 347, "478396", "380132", 1.008158309575, 0.977916210951, 0.985894354138),
    ("Violet Mclelland", 122, 193, "123431", "106836", 1.000912948961, 0.535441349248, 0.535930179871),
    ("Wilburn Farren", 55, 79, "157640", "125795", 1.08534952925, 1.253017778187, 1.359962255698),
    ("Zane Levy", 161, 261, "430068", "311374", 0.978139798914, 1.092672834608, 1.068786786722),
];

/// Won, handled (with overdue open deals), and the indices on 1 January 2018: horizon 90 days, half-life 30 days.
#[rustfmt::skip]
const FADED: [(&str, u64, u64, f64, f64, f64); 35] = [
    ("Anna Snelling", 57, 153, 1.023936506056, 0.712218988541, 0.729267022673),
    ("Boris Faz", 34, 70, 1.096560864561, 1.104614244357, 1.211276750799),
    ("Carl Lin", 0, 0, 1.0, 1.0, 1.0),
    ("Carol Thompson", 0, 0, 1.0, 1.0, 1.0),
    ("Cassey Cress", 39, 98, 0.877328263415, 1.169719992223, 1.026228409458),
    ("Cecily Lampkin", 32, 69, 1.069039580847, 1.136383758246, 1.214839216597),
    ("Corliss Cosme", 43, 87, 0.933270193456, 1.085303410779, 1.012881324136),
    ("Daniell Hammack", 27, 73, 0.842911309555, 1.178250441898, 0.993160622964),
    ("Darcel Schlecht", 93, 239, 0.96841451689, 1.402768002817, 1.358460897756),
    ("Donn Cantrell", 37, 73, 1.043068165906, 1.137812641933, 1.186816145566),
    ("Elease Gluck", 22, 49, 0.957971720922, 0.909383573808, 0.871163747179),
    ("Elizabeth Anderson", 0, 0, 1.0, 1.0, 1.0),
    ("Garret Kinder", 16, 35, 0.958287874331, 1.075219345186, 1.030369660737),
    ("Gladys Colclough", 41, 113, 1.017160911179, 1.050908936637, 1.068943491556),
    ("Hayden Neloms", 32, 62, 1.083325803376, 1.346046182288, 1.458206561808),
    ("James Ascencio", 44, 82, 1.081137374098, 1.02794847545, 1.111353515456),
    ("Jonathan Berthelot", 44, 115, 0.946288494489, 0.792294864361, 0.749739514387),
    ("Kami Bicknell", 51, 102, 1.003941741538, 0.790105565814, 0.793219957742),
    ("Kary Hendrixson", 62, 119, 1.038373736876, 0.908676661874, 0.943545981002),
    ("Lajuana Vencill", 36, 102, 0.949945756518, 0.804129207663, 0.763879128512),
    ("Markita Hansen", 34, 81, 0.992339525454, 0.868900908438, 0.862244715146),
    ("Marty Freudenburg", 39, 103, 0.955395796253, 1.027396222899, 0.981570032444),
    ("Maureen Marcano", 37, 78, 1.058370560865, 1.119791220991, 1.185154062611),
    ("Mei-Mei Johns", 0, 0, 1.0, 1.0, 1.0),
    ("Moses Frase", 36, 87, 1.074927455199, 0.887366562116, 0.953854680444),
    ("Natalya Ivanova", 0, 0, 1.0, 1.0, 1.0),
    ("Niesha Huffines", 23, 75, 0.924242320333, 0.929293413662, 0.858892300913),
    ("Reed Clapper", 38, 60, 1.092913852342, 1.299847188356, 1.420620998083),
    ("Rosalina Dieter", 20, 47, 0.936010205663, 0.884321800839, 0.827734230675),
    ("Rosie Papadopoulos", 20, 48, 0.952633207851, 1.108800341393, 1.056280026088),
    ("Versie Hillebrand", 50, 114, 1.059595539849, 0.659009096191, 0.698283099044),
    ("Vicki Laflamme", 67, 141, 1.021225803903, 0.865988338395, 0.884369637048),
    ("Violet Mclelland", 34, 76, 1.059894921789, 0.688173253523, 0.72939133672),
    ("Wilburn Farren", 22, 41, 1.01951116111, 1.272615798061, 1.297446009928),
    ("Zane Levy", 51, 111, 0.946312544659, 0.936813075821, 0.88651796565),
];
