//! The program itself, as a child process in a folder of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::client::Client;

/// A sound workspace of two agents.
pub(crate) const ACME: &str = r#"
workspace: acme
name: ACME Sales
time_zone: Europe/Moscow
default_region: RU
currency: RUB
agents:
  - {id: anna, name: Anna, numbers: [{sip: "101"}]}
  - {id: boris, name: Boris, numbers: [{sip: "102"}]}
groups:
  - {id: sales, members: [anna, boris], policy: even}
policies:
  - {id: even, mode: equal_calls, period: 10h, count: answered}
routes:
  - {id: main, called: ["+74951112233"], group: sales, fallback: {number: "+74951112200"}}
connections:
  - {id: pbx, integration: pbx/native, events: full, settings: {token: "env:PBX_TOKEN"}}
"#;

/// What a command printed and how it ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder with the program's settings and store.
pub(crate) struct Program {
    pub(crate) folder: tempfile::TempDir,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meritline"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("PBX_TOKEN", "pbx-secret").kill_on_drop(true);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Starts `serve` on a free port; it answers when this returns.
    pub(crate) async fn serve(&self) -> (Child, Client) {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = self.command(&["serve"]);
        let child = command.env("MERITLINE_LISTEN", &address).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let client = Client::new(address.parse().unwrap());
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(&address).await.is_ok() {
                return (child, client);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the service did not start");
    }
}
