//! Drives the demo: lets traffic flow, looks at the service every second, and puts both on the screen.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::company::Company;
use super::crm::Crm;
use super::hooks::Hooks;
use super::ledger::Ledger;
use super::sales::Sales;
use super::screen::{Frame, LookAt, Row, Snapshot, Totals, render_live, render_summary};
use super::speed::Speed;
use super::teller::Teller;
use super::traffic::{self, CALLS_PER_HOUR, Exchange, Happening, TrafficSettings, What};
use super::watch::{AgentView, View, Watch};
use super::workspace_text::{PBX_CONNECTION, WORKSPACE};
use crate::broker::ports::Clock;

/// Sentences kept for the screen.
const RECENT_MAX: usize = 40;
/// Happenings waiting for the screen; a PBX that runs ahead waits.
const QUEUE: usize = 4096;
/// How often the service is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the screen is drawn, and due deals are closed.
const DRAW_EVERY: Duration = Duration::from_millis(250);

/// Where the service is, and how to get in.
#[derive(Debug, Clone)]
pub struct DemoAddresses {
    /// The service's address: `http://127.0.0.1:8080`.
    pub base_url: String,
    /// The token of the PBX connection.
    pub pbx_token: SecretString,
    /// A token with at least the role `viewer`.
    pub viewer_token: SecretString,
    /// What a visitor may open, shown as it is.
    pub look_at: Vec<LookAt>,
}

/// How the demo runs.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// How many times faster than real its time passes; the same as in the workspace file.
    pub speed: Speed,
    /// This many calls, then a summary; none: until stopped.
    pub once: Option<u64>,
    /// Of the traffic. Call ids contain it: a service that keeps its store wants another one each time.
    pub seed: u64,
    /// In which times of day are shown.
    pub time_zone: TimeZone,
}

/// What the demo is made of.
pub struct DemoParts {
    /// The company.
    pub company: Arc<Company>,
    /// Its CRM, already serving.
    pub crm: Crm,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Ends the demo.
    pub stop: CancellationToken,
}

/// What the demo is shown on.
#[derive(Clone, Copy)]
pub enum Face {
    /// Not a terminal: sentences, one per line, then the summary; no colours.
    Plain,
    /// A terminal: a live table, then the summary.
    Terminal {
        /// Whether colours may be used (`NO_COLOR` is not set).
        colour: bool,
        /// Its size now: columns, lines.
        size: fn() -> (usize, usize),
    },
}

impl Face {
    /// The face of standard output. `no_color` is whether the variable of that name is set to anything.
    pub fn of_stdout(no_color: bool) -> Self {
        if io::stdout().is_terminal() { Self::Terminal { colour: !no_color, size: terminal_size } } else { Self::Plain }
    }
}

/// Columns and lines; what terminals have always had where it cannot be told.
fn terminal_size() -> (usize, usize) {
    terminal_size::terminal_size().map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()))
}

/// How the demo ended.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoSummary {
    /// The last snapshot.
    pub snapshot: Snapshot,
}

impl DemoSummary {
    /// What happened, counted by the PBX.
    pub fn totals(&self) -> Totals {
        self.snapshot.totals
    }
}

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The output is gone.
    #[error("cannot write to the terminal: {0}")]
    Output(#[from] io::Error),
    /// No HTTP client.
    #[error("cannot set up the demo's HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Runs until all calls are over or `parts.stop`. What the service fails at is shown, not an error.
pub async fn run(
    addresses: DemoAddresses,
    options: DemoOptions,
    parts: DemoParts,
    (out, face): (&mut (impl Write + Send), Face),
) -> Result<DemoSummary, DemoError> {
    let watch = Watch::new(&addresses.base_url, WORKSPACE, addresses.viewer_token.clone(), &parts.company)?;
    let hooks = Hooks::new(&addresses.base_url, WORKSPACE, PBX_CONNECTION, addresses.pbx_token.clone())?;
    let (happenings, heard) = mpsc::channel(QUEUE);
    let exchange = Exchange { hooks, contacts: parts.company.contacts.clone(), clock: Arc::clone(&parts.clock), happenings };
    let settings =
        TrafficSettings { seed: options.seed, speed: options.speed, calls_per_hour: CALLS_PER_HOUR, calls: options.once };
    let stop = parts.stop.clone();
    let mut show = Show::new(addresses.look_at, &options, parts, face);
    show.open(out)?;
    let (seen_sender, seen) = mpsc::channel(1);
    let followed = tokio::select! {
        ((), followed) = async {
            tokio::join!(traffic::run(settings, exchange, stop.clone()), show.follow(heard, seen, stop.clone(), out))
        } => followed,
        () = keep_looking(&watch, seen_sender) => Ok(()),
    };
    show.close(out)?;
    followed?;
    if !stop.is_cancelled() {
        // Scores and shares as they are after the last call.
        show.see(watch.look().await.map_err(|error| error.to_string()));
    }
    let snapshot = show.snapshot();
    let colour = matches!(face, Face::Terminal { colour: true, .. });
    out.write_all(render_summary(&snapshot, colour).as_bytes())?;
    out.flush()?;
    Ok(DemoSummary { snapshot })
}

/// Looks again and again, at its own pace: a service that answers late delays no sentence. Never ends by itself.
async fn keep_looking(watch: &Watch, seen: mpsc::Sender<Result<View, String>>) {
    let mut due = interval(LOOK_EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        if seen.send(watch.look().await.map_err(|error| error.to_string())).await.is_err() {
            return std::future::pending().await;
        }
    }
}

struct Show {
    company: Arc<Company>,
    crm: Crm,
    clock: Arc<dyn Clock>,
    face: Face,
    speed: Speed,
    started: Instant,
    look_at: Vec<LookAt>,
    ledger: Ledger,
    sales: Sales,
    teller: Teller,
    view: View,
    recent: VecDeque<String>,
    trouble: Option<String>,
}

impl Show {
    fn new(look_at: Vec<LookAt>, options: &DemoOptions, parts: DemoParts, face: Face) -> Self {
        Self {
            company: parts.company,
            crm: parts.crm,
            clock: parts.clock,
            face,
            speed: options.speed,
            started: Instant::now(),
            look_at,
            ledger: Ledger::default(),
            sales: Sales::new(options.seed, options.speed),
            teller: Teller::new(options.time_zone.clone()),
            view: View::new(),
            recent: VecDeque::new(),
            trouble: None,
        }
    }

    /// Until the traffic is over (`heard` closes) or stopped.
    async fn follow(
        &mut self,
        mut heard: mpsc::Receiver<Happening>,
        mut seen: mpsc::Receiver<Result<View, String>>,
        stop: CancellationToken,
        out: &mut (impl Write + Send),
    ) -> io::Result<()> {
        let mut draw = interval(DRAW_EVERY);
        draw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let result = loop {
            let done = tokio::select! {
                () = stop.cancelled() => break Ok(()),
                happening = heard.recv() => match happening {
                    Some(happening) => self.hear(&happening, out),
                    None => break Ok(()),
                },
                Some(seen) = seen.recv() => {
                    self.see(seen);
                    Ok(())
                }
                _ = draw.tick() => self.draw(out),
            };
            if done.is_err() {
                break done;
            }
        };
        if result.is_err() {
            // Without a listener the traffic would wait for ever on a full queue.
            stop.cancel();
        }
        result
    }

    fn hear(&mut self, happening: &Happening, out: &mut impl Write) -> io::Result<()> {
        self.ledger.add(&happening.what);
        if let What::Ended { agent, .. } = &happening.what
            && let Some(agent) = self.company.find(agent)
        {
            self.sales.after_talk(&self.company, &self.crm, agent, happening.at);
        }
        match self.teller.tell(happening, &self.view) {
            Some(line) => self.say(line, out),
            None => Ok(()),
        }
    }

    fn see(&mut self, seen: Result<View, String>) {
        match seen {
            Ok(view) => {
                self.view = view;
                self.trouble = None;
            }
            Err(error) => self.trouble = Some(format!("The figures above are not of now: {error}")),
        }
    }

    fn say(&mut self, line: String, out: &mut impl Write) -> io::Result<()> {
        if matches!(self.face, Face::Plain) {
            writeln!(out, "{line}")?;
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(line);
        Ok(())
    }

    fn draw(&mut self, out: &mut impl Write) -> io::Result<()> {
        let now = self.clock.now();
        for closed in self.sales.close_due(&self.crm, now) {
            self.ledger.totals.contracts += u64::from(closed.amount.is_some());
            if let Some(line) = self.teller.tell_sale(&closed, &self.company, now) {
                self.say(line, out)?;
            }
        }
        let Face::Terminal { colour, size } = self.face else { return out.flush() };
        let (width, height) = size();
        let text = render_live(&self.snapshot(), Frame { width, height, colour });
        // Home; each line is cleared behind its end, and everything below the last: no flicker.
        write!(out, "\x1b[H{}\x1b[K\x1b[J", text.replace('\n', "\x1b[K\r\n"))?;
        out.flush()
    }

    /// Takes the terminal's second screen, so that what was there before comes back afterwards.
    fn open(&self, out: &mut impl Write) -> io::Result<()> {
        match self.face {
            Face::Plain => {
                let wide = self.look_at.iter().map(|look| look.what.chars().count()).max().unwrap_or(0);
                for LookAt { what, address, login } in &self.look_at {
                    writeln!(out, "{}", format!("{what:wide$}  {address}  {login}").trim_end())?;
                }
                writeln!(out)
            }
            Face::Terminal { .. } => out.write_all(b"\x1b[?1049h\x1b[?25l\x1b[2J"),
        }
    }

    fn close(&self, out: &mut impl Write) -> io::Result<()> {
        match self.face {
            Face::Plain => writeln!(out),
            Face::Terminal { .. } => out.write_all(b"\x1b[?25h\x1b[?1049l"),
        }
    }

    fn snapshot(&self) -> Snapshot {
        let nobody = AgentView::default();
        let row = |agent: &super::company::DemoAgent| {
            let seen = self.view.get(&agent.id).unwrap_or(&nobody);
            Row {
                agent: agent.name.clone(),
                team: agent.lead.clone(),
                office: agent.office.clone(),
                contracts: seen.contracts,
                average_check: seen.average_check,
                score: seen.score,
                target_share: seen.target_share,
                actual_share: seen.actual_share,
                received: seen.received,
                owed: seen.owed,
                state: seen.state.clone(),
            }
        };
        Snapshot {
            speed: self.speed.times(),
            elapsed: self.started.elapsed(),
            rows: self.company.agents.iter().map(row).collect(),
            totals: self.ledger.totals,
            latency: self.ledger.latency(),
            recent: self.recent.iter().cloned().collect(),
            look_at: self.look_at.clone(),
            trouble: self.trouble.clone(),
        }
    }
}
