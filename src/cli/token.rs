//! `meritline token create`: prints the token alone on standard output, once; words go to standard error.

use std::process::ExitCode;

use anyhow::bail;

use super::open::{self, SettingsFile};
use crate::broker::ports::Clock;
use crate::broker::store::{Store, StoredToken};
use crate::core::ids::{AgentId, WorkspaceId};
use crate::http::access::{Role, hash};
use crate::service::clock::{SystemClock, random_token};
use crate::service::settings_check::Integrations;
use crate::service::stored_document::StoredDocument;

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub enum TokenCommand {
    /// Makes a token; it is shown once and only its hash is stored
    Create {
        /// The workspace it opens
        #[arg(long)]
        workspace: String,
        /// What it may do
        #[arg(long, value_enum)]
        role: Role,
        /// Whose it is; needed for role `agent`
        #[arg(long)]
        agent: Option<String>,
        /// Where the store is
        #[command(flatten)]
        settings: SettingsFile,
    },
}

/// Runs it.
pub async fn run(command: TokenCommand) -> anyhow::Result<ExitCode> {
    let TokenCommand::Create { workspace, role, agent, settings } = command;
    let settings = settings.read()?;
    let store = open::store_that_is_there(&settings).await?;
    let known = store.workspaces().await?;
    let Some(found) = known.iter().find(|known| known.id.as_str() == workspace) else {
        return Err(open::no_workspace(&workspace, &known, &settings));
    };
    let document = StoredDocument::read(&found.document).map_err(anyhow::Error::msg)?;
    let agent = match (role, agent) {
        (Role::Agent, None) => bail!("a token with role `agent` needs `--agent ID`: whose is it?"),
        (Role::Agent, Some(agent)) => {
            let agent = AgentId::from(agent);
            if document.workspace.build(&Integrations).is_ok_and(|built| built.find_agent(&agent).is_none()) {
                bail!("there is no agent `{agent}` in workspace `{workspace}`");
            }
            Some(agent)
        }
        (_, Some(_)) => bail!("`--agent` goes with role `agent` only"),
        (_, None) => None,
    };
    let token = create(&*store, WorkspaceId::from(workspace.as_str()), role, agent).await?;
    store.shut_down().await;
    eprintln!("Token for workspace `{workspace}`, role `{}`; it is not shown again:", role.as_str());
    println!("{token}");
    Ok(ExitCode::SUCCESS)
}

/// Makes and stores a token; gives its text.
pub async fn create(store: &dyn Store, workspace: WorkspaceId, role: Role, agent: Option<AgentId>) -> anyhow::Result<String> {
    let token = random_token();
    let (hash, role) = (hash(&token), role.as_str().to_owned());
    store.add_token(StoredToken { hash, workspace, role, agent, created_at: SystemClock.now() }).await?;
    Ok(token)
}
