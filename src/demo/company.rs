//! The demo's company: the people and opportunities of a published sales data set, which travels inside the program.
//!
//! The facts are the data set's own (`data/README.md` names the source); only what a telephone system needs and the
//! data set has not (extensions, numbers, CRM user ids) is made up here, in blocks that belong to nobody. It knows
//! nothing of HTTP, of shares or of the present: dates are those of the data set.

use std::collections::HashMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::core::chance::SplitMix64;

const PIPELINE: &str = include_str!("data/sales_pipeline.csv");
const TEAMS: &str = include_str!("data/sales_teams.csv");

/// The two numbers customers of the demo dial. No area code of country code 7 begins with 0: they can belong to nobody.
pub const VIRTUAL_NUMBERS: [&str; 2] = ["+70001001001", "+70001001002"];
/// Where calls go that nobody takes.
pub const BACKUP_NUMBER: &str = "+70001001000";

/// The id of the first agent's user in the CRM; 1 is the webhook's owner, who sells nothing.
const FIRST_CRM_USER: u32 = 11;
const FIRST_EXTENSION: u32 = 101;

/// The embedded data set cannot be read: a fault of the program, not of its user.
#[derive(Debug, thiserror::Error)]
pub enum CompanyError {
    /// A row is not of the expected form.
    #[error("{file}, row {row}: {source}; the embedded data is damaged: build the program from a clean checkout")]
    Row {
        /// Which file.
        file: &'static str,
        /// Which row, the heading counted.
        row: u64,
        /// What is wrong.
        source: csv::Error,
    },
    /// A row's content makes no sense.
    #[error("{file}, row {row}: {detail}; the embedded data is damaged: build the program from a clean checkout")]
    Content {
        /// Which file.
        file: &'static str,
        /// Which row, the heading counted.
        row: u64,
        /// What is wrong.
        detail: String,
    },
}

/// A sales agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoAgent {
    /// The workspace's id: the name in lower case with hyphens.
    pub id: String,
    /// The name in the data set.
    pub name: String,
    /// The team lead's name.
    pub lead: String,
    /// The id of the team's group.
    pub team: String,
    /// The regional office's name.
    pub office: String,
    /// SIP extension.
    pub extension: String,
    /// A mobile number in E.164 that belongs to nobody.
    pub mobile: String,
    /// The user in the CRM.
    pub crm_user: u32,
}

/// How far an opportunity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum DealStage {
    /// Known, not yet spoken to.
    Prospecting,
    /// In talks.
    Engaging,
    /// Closed with a contract.
    Won,
    /// Closed without.
    Lost,
}

/// One row of the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opportunity {
    /// The data set's id.
    pub id: String,
    /// Position in [`Company::agents`].
    pub agent: usize,
    /// What was sold.
    pub product: String,
    /// To whom; unknown for a part of the open ones.
    pub account: Option<String>,
    /// How far it is.
    pub stage: DealStage,
    /// When talks began; none for those not yet spoken to.
    pub engaged: Option<Date>,
    /// When it was won or lost.
    pub closed: Option<Date>,
    /// The contract's amount; 0 for lost ones, none for open ones.
    pub amount: Option<Decimal>,
}

/// A customer whose calls the CRM recognises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The account's name in the data set.
    pub name: String,
    /// E.164, belongs to nobody.
    pub phone: String,
    /// Who won the latest contract with it: position in [`Company::agents`].
    pub agent: usize,
}

/// What an agent's past says of the next opportunity.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackRecord {
    /// Won of won and lost; the whole company's for an agent without any.
    pub win_rate: f64,
    /// Amounts of won contracts, in the order of the data; the whole company's for an agent without any.
    pub amounts: Vec<Decimal>,
}

/// People, opportunities and known customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Company {
    /// In the order of the data set.
    pub agents: Vec<DemoAgent>,
    /// In the order of the data set.
    pub opportunities: Vec<Opportunity>,
    /// In the order of names.
    pub contacts: Vec<Contact>,
    records: Vec<TrackRecord>,
}

#[derive(Deserialize)]
struct TeamRow {
    sales_agent: String,
    manager: String,
    regional_office: String,
}

#[derive(Deserialize)]
struct PipelineRow {
    opportunity_id: String,
    sales_agent: String,
    product: String,
    account: String,
    deal_stage: DealStage,
    engage_date: String,
    close_date: String,
    close_value: String,
}

impl Company {
    /// Reads the embedded data set.
    pub fn load() -> Result<Self, CompanyError> {
        let agents: Vec<DemoAgent> =
            rows::<TeamRow>("sales_teams.csv", TEAMS)?.into_iter().zip(0..).map(|((_, row), place)| agent(row, place)).collect();
        let places: HashMap<String, usize> = agents.iter().zip(0..).map(|(agent, place)| (agent.name.clone(), place)).collect();
        let opportunities = rows::<PipelineRow>("sales_pipeline.csv", PIPELINE)?
            .into_iter()
            .map(|(number, row)| opportunity(number, row, &places))
            .collect::<Result<Vec<_>, _>>()?;
        let contacts = contacts(&opportunities);
        let records = track_records(agents.len(), &opportunities);
        Ok(Self { agents, opportunities, contacts, records })
    }

    /// The last day on which anything was closed.
    pub fn last_close(&self) -> Option<Date> {
        self.opportunities.iter().filter_map(|opportunity| opportunity.closed).max()
    }

    /// The agent with this workspace id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.agents.iter().position(|agent| agent.id == id)
    }

    /// What an agent's past says; none for a position that is no agent.
    pub fn track_record(&self, agent: usize) -> Option<&TrackRecord> {
        self.records.get(agent)
    }

    /// Team leads in the order of the data set: (id of the team's group, lead's name, office).
    pub fn teams(&self) -> Vec<(&str, &str, &str)> {
        let mut teams: Vec<(&str, &str, &str)> = Vec::new();
        for agent in &self.agents {
            let team = (agent.team.as_str(), agent.lead.as_str(), agent.office.as_str());
            if !teams.contains(&team) {
                teams.push(team);
            }
        }
        teams
    }

    /// Regional offices in the order of the data set.
    pub fn offices(&self) -> Vec<&str> {
        let mut offices: Vec<&str> = self.agents.iter().map(|agent| agent.office.as_str()).collect();
        offices.dedup();
        offices
    }
}

/// A name as an id: lower case, everything that is no letter or digit a hyphen.
pub fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

fn agent(row: TeamRow, place: u32) -> DemoAgent {
    DemoAgent {
        id: slug(&row.sales_agent),
        team: format!("team-{}", slug(&row.manager)),
        extension: (FIRST_EXTENSION + place).to_string(),
        mobile: format!("+7000200{:04}", FIRST_EXTENSION + place),
        crm_user: FIRST_CRM_USER + place,
        name: row.sales_agent,
        lead: row.manager,
        office: row.regional_office,
    }
}

fn rows<T: for<'de> Deserialize<'de>>(file: &'static str, text: &str) -> Result<Vec<(u64, T)>, CompanyError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .deserialize()
        .zip(2..)
        .map(|(row, number)| match row {
            Ok(row) => Ok((number, row)),
            Err(source) => Err(CompanyError::Row { file, row: number, source }),
        })
        .collect()
}

fn opportunity(row: u64, raw: PipelineRow, places: &HashMap<String, usize>) -> Result<Opportunity, CompanyError> {
    let refuse = |detail: String| CompanyError::Content { file: "sales_pipeline.csv", row, detail };
    let date = |text: &str| match text {
        "" => Ok(None),
        text => Date::strptime("%m/%d/%Y", text).map(Some).map_err(|error| refuse(format!("date `{text}`: {error}"))),
    };
    let amount = match raw.close_value.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|error| refuse(format!("amount `{text}`: {error}")))?),
    };
    let agent = *places.get(&raw.sales_agent).ok_or_else(|| refuse(format!("`{}` is in no team", raw.sales_agent)))?;
    Ok(Opportunity {
        agent,
        engaged: date(&raw.engage_date)?,
        closed: date(&raw.close_date)?,
        amount,
        id: raw.opportunity_id,
        product: raw.product,
        account: Some(raw.account).filter(|account| !account.is_empty()),
        stage: raw.deal_stage,
    })
}

/// One known customer per account, looked after by whoever won its latest contract.
fn contacts(opportunities: &[Opportunity]) -> Vec<Contact> {
    let mut latest: HashMap<&str, &Opportunity> = HashMap::new();
    for won in opportunities.iter().filter(|opportunity| opportunity.stage == DealStage::Won) {
        let Some(account) = won.account.as_deref() else { continue };
        let known = latest.entry(account).or_insert(won);
        if won.closed > known.closed {
            *known = won;
        }
    }
    let mut latest: Vec<_> = latest.into_iter().collect();
    latest.sort_unstable_by_key(|(account, _)| *account);
    let contact = |((account, won), place): ((&str, &Opportunity), u32)| Contact {
        name: account.to_owned(),
        phone: format!("+7000300{:04}", 1007 + place * 37),
        agent: won.agent,
    };
    latest.into_iter().zip(0..).map(contact).collect()
}

fn track_records(agents: usize, opportunities: &[Opportunity]) -> Vec<TrackRecord> {
    let record = |of: &dyn Fn(&&Opportunity) -> bool| {
        let mine: Vec<_> = opportunities.iter().filter(of).collect();
        let amounts: Vec<_> = mine.iter().filter(|deal| deal.stage == DealStage::Won).filter_map(|deal| deal.amount).collect();
        let lost = mine.iter().filter(|deal| deal.stage == DealStage::Lost).count();
        let handled = (amounts.len() + lost).max(1);
        TrackRecord { win_rate: amounts.len() as f64 / handled as f64, amounts }
    };
    let everybody = record(&|_| true);
    (0..agents)
        .map(|agent| record(&|deal: &&Opportunity| deal.agent == agent))
        .map(|own| if own.amounts.is_empty() { everybody.clone() } else { own })
        .collect()
}

/// A number of a caller no CRM knows, in a block that belongs to nobody.
pub(super) fn unknown_caller(chance: &mut SplitMix64) -> String {
    format!("+7000{:07}", 5_000_000 + chance.next_u64() % 5_000_000)
}
