//! A connector over real sockets: the demo's CRM in Bitrix24's documented form, servers that misbehave, addresses that may not
//! be called.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use meritline::broker::ports::{CallerDirectory, Clock, DealSource, Extent, SourceError};
use meritline::broker::supervise::Tasks;
use meritline::core::deal::DealStatus;
use meritline::core::phone_number::PhoneNumber;
use meritline::demo::company::Company;
use meritline::demo::crm::{BucketLimit, Crm, CrmSettings};
use meritline::integration::crm::{Connector, ConnectorContext, Manifest, Patience, registry};
use meritline::integration::secrets::{EnvAndFiles, SecretError, Secrets};
use meritline::outbound::{HttpClient, OutboundError, OutboundRequest};
use meritline::service::clock::SystemClock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "canary-7f3a";

fn connector_of(manifest: &Manifest, settings: &Value) -> Connector {
    let env = |name: &str| (name == "SECRET").then(|| SECRET.to_owned());
    let context = ConnectorContext {
        http: Arc::new(HttpClient::new(vec!["127.0.0.0/8".parse().unwrap()])),
        secrets: &EnvAndFiles { env: Box::new(env), files_root: std::env::temp_dir() },
        files_root: std::env::temp_dir(),
        time_zone: TimeZone::get("Europe/Moscow").unwrap(),
        default_region: "RU".to_owned(),
        currency: "RUB".parse().unwrap(),
        patience: Patience { tries: 2, pause: Duration::from_millis(5), wait_max: Duration::from_secs(1) },
    };
    Connector::of(manifest, settings, context).unwrap()
}

fn bitrix(base: &str) -> Connector {
    let settings = json!({"portal": base, "user": 1, "secret": "env:SECRET", "requests_burst": 400, "requests_per_second": 100});
    connector_of(&registry::find("crm/bitrix24").unwrap(), &settings)
}

fn now() -> Timestamp {
    SystemClock.now()
}

async fn demo_crm() -> (Crm, String) {
    let settings = CrmSettings {
        secret: SECRET.into(),
        today: jiff::civil::date(2026, 11, 20),
        time_zone: TimeZone::get("Europe/Moscow").unwrap(),
        limit: BucketLimit { burst: 1000.0, leak_per_second: 1000.0 },
        clock: Arc::new(SystemClock),
    };
    let crm = Crm::new(&Company::load().unwrap(), settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = crm.router();
    Tasks::default().spawn("demo CRM", async move { axum::serve(listener, router).await.unwrap() });
    (crm, base)
}

/// 8800 opportunities in pages of 50, then only what changed: a new contract.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_pages_arrive_and_then_only_what_changed() {
    let (crm, base) = demo_crm().await;
    let connector = bitrix(&base);
    let first = connector.pull(None, now()).await.unwrap();
    let ids: BTreeSet<&str> = first.deals.iter().map(|deal| deal.deal.as_str()).collect();
    assert_eq!((first.extent, first.deals.len(), ids.len(), first.rows_rejected), (Extent::Everything, 8800, 8800, 0));
    assert_eq!(first.deals.iter().filter(|deal| deal.status == DealStatus::Won).count(), 4238);
    let user: u32 = first.deals[0].user.as_ref().unwrap().as_str().parse().unwrap();
    let id = crm.add_deal(user, "Test", "777.70".parse().unwrap(), now());
    assert!(crm.win(id, now()));
    let second = connector.pull(first.cursor.as_deref(), now()).await.unwrap();
    assert_eq!(second.extent, Extent::Changes);
    let new = second.deals.iter().find(|deal| deal.deal.as_str() == id.to_string()).unwrap();
    assert_eq!((new.status, new.amount), (DealStatus::Won, Some("777.70".parse().unwrap())));
    assert!(second.deals.len() < 1000, "{} came: more than those of the last day and the new one", second.deals.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_found_with_the_responsible_manager() {
    let (_crm, base) = demo_crm().await;
    let company = Company::load().unwrap();
    let contact = &company.contacts[0];
    let found = bitrix(&base).find(&PhoneNumber::parse(&contact.phone, "RU").unwrap()).await.unwrap().unwrap();
    let manager = &company.agents[contact.agent];
    assert_eq!((found.name.as_ref(), found.extension.as_ref()), (Some(&contact.name), Some(&manager.extension)));
    assert_eq!(found.user.unwrap().as_str(), manager.crm_user.to_string());
    let nobody = PhoneNumber::parse("+79990000000", "RU").unwrap();
    assert_eq!(bitrix(&base).find(&nobody).await.unwrap(), None);
}

/// What a server does with a connection after having read a request.
#[derive(Debug, Clone, Copy)]
enum Misdeed {
    Endless,
    Drips,
    Resets,
    Redirects,
    WrongLength,
    Errors,
    Limits,
}

async fn misbehaving(misdeed: Misdeed) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    Tasks::default().spawn("misbehaving server", async move {
        loop {
            let Ok((socket, _)) = listener.accept().await else { break };
            let counted = Arc::clone(&counted);
            Tasks::default().spawn("misbehaving connection", async move {
                let _gone = misbehave(socket, misdeed, &counted).await;
            });
        }
    });
    (base, asked)
}

async fn misbehave(mut socket: TcpStream, misdeed: Misdeed, asked: &AtomicU32) -> std::io::Result<()> {
    let mut head = vec![0; 16 * 1024];
    let _read = socket.read(&mut head).await?;
    asked.fetch_add(1, Ordering::SeqCst);
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    match misdeed {
        Misdeed::Endless => {
            socket.write_all(format!("{json}\r\n{{\"result\": \"").as_bytes()).await?;
            loop {
                socket.write_all(&[b'x'; 65536]).await?;
            }
        }
        Misdeed::Drips => {
            socket.write_all(format!("{json}\r\n").as_bytes()).await?;
            loop {
                socket.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Misdeed::Resets => Ok(()),
        Misdeed::Redirects => {
            socket.write_all(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await
        }
        Misdeed::WrongLength => socket.write_all(format!("{json}content-length: 500\r\n\r\n{{\"result\"").as_bytes()).await,
        Misdeed::Errors => {
            let body = format!(r#"{{"error": "ERROR_CORE", "error_description": "at /rest/1/{SECRET}/crm.item.list"}}"#);
            let head = format!("HTTP/1.1 500 X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            socket.write_all(format!("{head}{body}").as_bytes()).await
        }
        Misdeed::Limits => socket.write_all(b"HTTP/1.1 429 X\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n").await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_misdeed_is_a_specific_error_and_no_text_shows_the_secret() {
    let slow =
        std::fs::read_to_string(format!("{}/integrations/crm/bitrix24/manifest.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let manifest = Manifest::parse(&slow.replace("timeout_seconds: 60", "timeout_seconds: 1")).unwrap();
    let expected = [
        (Misdeed::Endless, "cannot be read: the answer is larger than"),
        (Misdeed::Drips, "could not reach the CRM: no answer within 1 s"),
        (Misdeed::Resets, "could not reach the CRM: the connection broke"),
        (Misdeed::Redirects, "it redirects elsewhere (302)"),
        (Misdeed::WrongLength, "could not reach the CRM: "),
        (Misdeed::Errors, "HTTP 500, ERROR_CORE: at /rest/1/***/crm.item.list"),
        (Misdeed::Limits, "the CRM asks to wait 30 s"),
    ];
    for (misdeed, text) in expected {
        let (base, _) = misbehaving(misdeed).await;
        let settings = json!({"portal": base, "user": 1, "secret": "env:SECRET"});
        let error = connector_of(&manifest, &settings).pull(None, now()).await.unwrap_err().to_string();
        assert!(error.contains(text), "{misdeed:?}: {error}");
        assert!(!error.contains(SECRET), "{misdeed:?}: {error}");
    }
}

/// The CRM said "not before 30 s": neither pulls nor lookups ask it until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_asks_to_wait_is_left_alone_by_everybody() {
    let (base, asked) = misbehaving(Misdeed::Limits).await;
    let connector = bitrix(&base);
    let limited =
        |error: SourceError| matches!(error, SourceError::RateLimited { retry_after_seconds, .. } if retry_after_seconds > 20);
    assert!(limited(connector.pull(None, now()).await.unwrap_err()));
    assert!(limited(connector.pull(None, now()).await.unwrap_err()));
    let caller = PhoneNumber::parse("+79161234567", "RU").unwrap();
    assert!(limited(connector.find(&caller).await.unwrap_err()));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_fails_lookups_is_not_asked_for_every_caller() {
    let (base, asked) = misbehaving(Misdeed::Errors).await;
    let connector = bitrix(&base);
    for last in 0..20 {
        let caller = PhoneNumber::parse(&format!("+791612345{last:02}"), "RU").unwrap();
        assert!(connector.find(&caller).await.is_err());
    }
    assert!(asked.load(Ordering::SeqCst) <= 6, "five failures open the breaker, a probe may go out: {asked:?}");
}

async fn get(client: &HttpClient, url: &str, redirects_max: u8) -> Result<u16, OutboundError> {
    let request = OutboundRequest {
        method: reqwest::Method::GET,
        url: url.parse().unwrap(),
        headers: Vec::new(),
        json: None,
        timeout: Duration::from_secs(2),
        body_bytes_max: 1000,
        redirects_max,
    };
    client.send(request).await.map(|reply| reply.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_addresses_are_called_only_where_the_operator_allows_it() {
    let closed = HttpClient::new(Vec::new());
    let forbidden = [
        "http://127.0.0.1:9/",
        "https://127.0.0.1:9/",
        "http://localhost:9/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:9/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://0x7f000001:9/",
        "http://2130706433:9/",
        "http://127.1:9/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.16.0.1/",
        "http://100.64.0.1/",
        "http://0.0.0.0:9/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://93.184.216.34/",
        "http://127.0.0.1.:9/",
    ];
    for url in forbidden {
        let refused = get(&closed, url, 0).await;
        assert!(matches!(refused, Err(OutboundError::Forbidden(_))), "{url}: {refused:?}");
    }
    let open = HttpClient::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let (base, _) = misbehaving(Misdeed::Limits).await;
    assert_eq!(get(&open, &base, 0).await, Ok(429));
    let (base, _) = misbehaving(Misdeed::Redirects).await;
    assert_eq!(get(&open, &base, 0).await, Err(OutboundError::Redirected { status: 302 }));
    assert!(matches!(get(&open, &base, 3).await, Err(OutboundError::Connect(_))), "followed to a port where nobody listens");
}

#[test]
fn secrets_are_read_by_reference_and_never_leave_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(folder.path().join("outside"), "x").unwrap();
    std::fs::write(root.join("secret.txt"), "  from-file\n").unwrap();
    std::fs::write(root.join("empty.txt"), "\n").unwrap();
    std::os::unix::fs::symlink(folder.path().join("outside"), root.join("link")).unwrap();
    let env = |name: &str| (name == "SECRET").then(|| "from-env".to_owned());
    let secrets = EnvAndFiles { env: Box::new(env), files_root: root };
    let read = |reference: &str| {
        use secrecy::ExposeSecret;
        secrets.resolve(reference).map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(read("env:SECRET"), Ok("from-env".to_owned()));
    assert_eq!(read("file:secret.txt"), Ok("from-file".to_owned()));
    assert_eq!(read("env:OTHER"), Err(SecretError::NotInEnvironment("OTHER".to_owned())));
    for outside in ["file:../outside", "file:link", "file:/etc/hostname"] {
        assert!(matches!(read(outside), Err(SecretError::Outside(_))), "{outside}");
    }
    assert!(matches!(read("file:empty.txt"), Err(SecretError::File { .. })));
    assert!(matches!(read("file:nothing.txt"), Err(SecretError::File { .. })));
    let plain = read("hunter2").unwrap_err();
    assert!(!plain.to_string().contains("hunter2"), "{plain}");
}
