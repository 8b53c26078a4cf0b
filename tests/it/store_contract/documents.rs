//! Everything that is not distribution state: workspaces, deals, scores, tokens, the inbox.

use std::time::Duration;

use meritline::broker::ports::{Extent, RowFault};
use meritline::broker::store::{
    InboxEntry, InterventionRequest, PageRequest, PullCommit, PullState, Store, StoreError, StoredScores, StoredToken,
    WorkspaceChange,
};
use meritline::core::deal::{Deal, DealStatus};
use meritline::core::ids::{AgentId, ConnectionId, DealId, EventId, PolicyId, WorkspaceId};
use meritline::core::intervention::{Actor, Change, Intervention, Load};

use super::Place;
use super::question::{ask, ask_attempt, at, credits, pbx, taken, tell};
use crate::support::sample_workspace::SampleWorkspace;

fn change(id: &str, based_on: u64, document: &str) -> WorkspaceChange {
    WorkspaceChange { id: WorkspaceId::from(id), based_on, document: document.to_owned(), credit_resets: Vec::new() }
}

pub(crate) async fn workspaces_are_applied_together_or_not_at_all(place: &dyn Place) {
    let store = place.store().await;
    let start = store.workspaces_revision().await.unwrap();
    store.apply_workspaces(vec![change("acme", 0, "one"), change("beta", 0, "one")], at(1)).await.unwrap();
    let applied = store.workspaces_revision().await.unwrap();
    assert_ne!(applied, start);

    let refused = store.apply_workspaces(vec![change("beta", 1, "two"), change("acme", 0, "two")], at(2)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(store.workspaces_revision().await.unwrap(), applied);
    let stored = store.workspaces().await.unwrap();
    let shown: Vec<_> = stored.iter().map(|w| (w.id.as_str(), w.revision, w.document.as_str(), w.applied_at)).collect();
    assert_eq!(shown, [("acme", 1, "one", at(1)), ("beta", 1, "one", at(1))]);

    store.apply_workspaces(vec![change("beta", 1, "two")], at(3)).await.unwrap();
    assert_ne!(store.workspaces_revision().await.unwrap(), applied);
    assert_eq!(store.workspaces().await.unwrap()[1].document, "two");
}

pub(crate) async fn two_workspaces_with_equal_ids_inside_do_not_meet(place: &dyn Place) {
    let store = place.store().await;
    let (acme, beta) = (WorkspaceId::from("acme"), WorkspaceId::from("beta"));
    for id in ["acme", "beta"] {
        store.open(SampleWorkspace::one_group(id, &["anna", "boris"]).build(), at(0)).await.unwrap();
    }
    let record = ask(&*store, "acme", "c-1", at(0)).await;
    tell(&*store, "acme", taken("c-1", "anna", 0)).await;
    store.commit_pull(&acme, pull(Extent::Everything, vec![deal("d-1", "10.00")])).await.unwrap();
    store.save_scores(&acme, StoredScores { policy: PolicyId::from("p"), body: "{}".to_owned() }).await.unwrap();

    assert_eq!(credits(&*store, "beta", "sales", at(1)).await["anna"], 0.0);
    let page = PageRequest { limit: 10, ..PageRequest::default() };
    assert!(store.decisions(&beta, page.clone()).await.unwrap().items.is_empty());
    assert!(store.events(&beta, page).await.unwrap().items.is_empty());
    assert!(store.decision(&beta, record.decision.decision_id).await.unwrap().is_none());
    assert!(store.event(&beta, &pbx(), &EventId::from("c-1-offered")).await.unwrap().is_none());
    assert!(store.deals(&beta, &ConnectionId::from("crm")).await.unwrap().is_empty());
    assert_eq!(store.pull_state(&beta, &ConnectionId::from("crm")).await.unwrap(), PullState::default());
    assert!(store.scores(&beta).await.unwrap().is_empty());

    let same_call = ask(&*store, "beta", "c-1", at(200)).await;
    assert_ne!(same_call.decision.decision_id, record.decision.decision_id);
    assert_eq!(tell(&*store, "beta", taken("c-1", "boris", 200)).await, 3, "equal event ids are no duplicates");
}

fn deal(id: &str, amount: &str) -> Deal {
    Deal {
        deal: DealId::from(id),
        user: None,
        status: DealStatus::Won,
        amount: Some(amount.parse().unwrap()),
        returned_amount: None,
        currency: None,
        opened_at: None,
        closed_at: Some(at(0)),
        pipeline: None,
        lead_source: None,
        new_customer: None,
        contact_phones: Vec::new(),
        link_key: None,
        metrics: [("margin".to_owned(), "0.1".parse().unwrap())].into(),
        unreadable_metrics: Default::default(),
        memory: Default::default(),
    }
}

fn pull(extent: Extent, deals: Vec<Deal>) -> PullCommit {
    let state = PullState {
        cursor: Some("page 2".to_owned()),
        succeeded_at: Some(at(5)),
        failure: Some((at(4), "it slept".to_owned())),
        rejected: (1, vec![RowFault { place: "row 17".to_owned(), detail: "no amount".to_owned() }]),
    };
    PullCommit { connection: ConnectionId::from("crm"), deals, unreadable: Vec::new(), extent, state }
}

pub(crate) async fn a_full_pull_replaces_deals_and_changes_are_merged(place: &dyn Place) {
    let store = place.store().await;
    let (acme, crm) = (WorkspaceId::from("acme"), ConnectionId::from("crm"));
    let exact = "123456789012345.670";
    let first = pull(Extent::Everything, vec![deal("d-2", exact), deal("d-1", "1.00")]);
    store.commit_pull(&acme, first.clone()).await.unwrap();
    let deals = store.deals(&acme, &crm).await.unwrap();
    assert_eq!(deals, [deal("d-1", "1.00"), deal("d-2", exact)]);
    assert_eq!(deals[1].amount.unwrap().to_string(), exact, "money keeps every digit");
    assert_eq!(store.pull_state(&acme, &crm).await.unwrap(), first.state);

    store.commit_pull(&acme, pull(Extent::Changes, vec![deal("d-1", "7.00"), deal("d-3", "3.00")])).await.unwrap();
    let merged = store.deals(&acme, &crm).await.unwrap();
    assert_eq!(merged, [deal("d-1", "7.00"), deal("d-2", exact), deal("d-3", "3.00")]);
    let twice = vec![deal("d-9", "1.00"), deal("d-9", "2.00")];
    store.commit_pull(&acme, pull(Extent::Everything, twice)).await.unwrap();
    assert_eq!(store.deals(&acme, &crm).await.unwrap(), [deal("d-9", "2.00")], "the later of two rows holds");
}

/// Won by Anna; then its row cannot be read, or is missing; then it is Boris's. It stays Anna's contract.
pub(crate) async fn a_deal_whose_row_cannot_be_read_or_is_missing_is_not_forgotten(place: &dyn Place) {
    let store = place.store().await;
    let (acme, crm) = (WorkspaceId::from("acme"), ConnectionId::from("crm"));
    let owned = |id: &str, user: &str| Deal { user: Some(user.into()), ..deal(id, "1.00") };
    let at_day = |day: i64, deals: Vec<Deal>, unreadable: &[&str]| {
        let pull = pull(Extent::Everything, deals);
        let state = PullState { succeeded_at: Some(at(day * 86_400)), ..pull.state.clone() };
        PullCommit { unreadable: unreadable.iter().map(|id| DealId::from(*id)).collect(), state, ..pull }
    };
    let shown = async || -> Vec<(String, String)> {
        let deals = store.deals(&acme, &crm).await.unwrap();
        let owner = |deal: &Deal| deal.owner().map(|owner| owner.as_str().to_owned()).unwrap_or_default();
        deals.iter().map(|deal| (deal.deal.as_str().to_owned(), owner(deal))).collect()
    };
    let pair = |id: &str, user: &str| (id.to_owned(), user.to_owned());
    let both = || vec![owned("d-1", "anna"), owned("d-2", "anna")];
    store.commit_pull(&acme, at_day(0, both(), &[])).await.unwrap();
    store.commit_pull(&acme, at_day(1, vec![owned("d-2", "anna")], &["d-1", "d-7"])).await.unwrap();
    assert_eq!(shown().await, [pair("d-1", "anna"), pair("d-2", "anna")], "as it was");
    // Gone from the CRM: it does not count, and comes back as what it was.
    store.commit_pull(&acme, at_day(2, vec![owned("d-2", "anna")], &[])).await.unwrap();
    assert_eq!(shown().await, [pair("d-2", "anna")]);
    store.commit_pull(&acme, at_day(92, vec![owned("d-1", "boris"), owned("d-2", "boris")], &[])).await.unwrap();
    assert_eq!(shown().await, [pair("d-1", "anna"), pair("d-2", "anna")]);
    // After 90 days it is another.
    store.commit_pull(&acme, at_day(93, vec![owned("d-2", "anna")], &[])).await.unwrap();
    store.commit_pull(&acme, at_day(184, vec![owned("d-2", "anna")], &[])).await.unwrap();
    store.commit_pull(&acme, at_day(185, vec![owned("d-1", "boris"), owned("d-2", "anna")], &[])).await.unwrap();
    assert_eq!(shown().await, [pair("d-1", "boris"), pair("d-2", "anna")]);
}

pub(crate) async fn scores_are_kept_per_policy(place: &dyn Place) {
    let store = place.store().await;
    let acme = WorkspaceId::from("acme");
    for (policy, body) in [("p", "one"), ("q", "one"), ("p", "two")] {
        store.save_scores(&acme, StoredScores { policy: PolicyId::from(policy), body: body.to_owned() }).await.unwrap();
    }
    let stored = store.scores(&acme).await.unwrap();
    let shown: Vec<_> = stored.iter().map(|scores| (scores.policy.as_str(), scores.body.as_str())).collect();
    assert_eq!(shown, [("p", "two"), ("q", "one")]);
}

pub(crate) async fn tokens_are_found_by_their_hash(place: &dyn Place) {
    let store = place.store().await;
    let token = StoredToken {
        hash: [7; 32],
        workspace: WorkspaceId::from("acme"),
        role: "agent".to_owned(),
        agent: Some(AgentId::from("anna")),
        created_at: at(0),
    };
    store.add_token(token.clone()).await.unwrap();
    assert_eq!(store.token(&[7; 32]).await.unwrap(), Some(token.clone()));
    assert_eq!(store.token(&[8; 32]).await.unwrap(), None);
    // The same token again is refused, and what is written with it is not.
    let scores = StoredScores { policy: PolicyId::from("p"), body: "{}".to_owned() };
    let acme = WorkspaceId::from("acme");
    let (again, neighbour) = tokio::join!(store.add_token(token), store.save_scores(&acme, scores));
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    neighbour.unwrap();
}

async fn kept(store: &dyn Store) -> Vec<InboxEntry> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { cursor, limit: 500, call: None };
        let page = store.inbox(&WorkspaceId::from("acme"), &pbx(), page).await.unwrap();
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

pub(crate) async fn the_inbox_keeps_the_newest_thousand_for_fourteen_days(place: &dyn Place) {
    let store = place.store().await;
    let keep = |number: i64, day: i64, body: String| {
        let code = "unknown_event_type".to_owned();
        let entry = InboxEntry { connection: pbx(), received_at: at(day * 86_400), code, detail: number.to_string(), body };
        store.keep_in_inbox(&WorkspaceId::from("acme"), entry);
    };
    let until_newest_is = async |number: i64| {
        for _ in 0..500 {
            if kept(&*store).await.first().is_some_and(|entry| entry.detail == number.to_string()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("webhook {number} never came into the inbox");
    };
    for number in 1..=1100 {
        keep(number, 0, "я".repeat(5000));
        if number % 100 == 0 {
            until_newest_is(number).await;
        }
    }
    let entries = kept(&*store).await;
    assert_eq!((entries.len(), entries.last().unwrap().detail.as_str()), (1000, "101"));
    assert_eq!(entries[0].body.len(), 8192, "bodies are cut");
    keep(2000, 15, String::new());
    until_newest_is(2000).await;
    assert_eq!(kept(&*store).await.len(), 1, "what is older than 14 days goes");
}

pub(crate) async fn a_store_that_was_shut_down_says_so(place: &dyn Place) {
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    store.ready().await.unwrap();
    store.shut_down().await;
    assert!(matches!(store.ready().await, Err(StoreError::Unavailable(_))));
    let refused = store.apply_workspaces(vec![change("acme", 0, "{}")], at(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    // A caller on the line is still told whom to ring.
    ask_attempt(&*store, "acme", "c-1", 1, at(1)).await.unwrap();
}

pub(crate) async fn what_was_set_by_hand_holds_at_once_after_a_restart_and_in_its_workspace_only(place: &dyn Place) {
    let set = |id: u128, agent: &str, load: Load| Intervention {
        id: uuid::Uuid::from_u128(id),
        set_at: at(id as i64),
        by: Actor { role: "agent".into(), agent: Some(AgentId::from(agent)) },
        change: Change::Load { agent: AgentId::from(agent), load },
    };
    let acme = WorkspaceId::from("acme");
    let load_of = async |store: &dyn Store, workspace: &str, agent: &str| {
        let mut seen = None;
        let mut look =
            |tally: &meritline::core::distribution::tally::Tally| seen = Some(tally.interventions().load(&AgentId::from(agent)));
        store.view(&WorkspaceId::from(workspace), at(9), &mut look).await.unwrap();
        seen.unwrap()
    };
    {
        let store = place.store().await;
        for id in ["acme", "beta"] {
            store.open(SampleWorkspace::one_group(id, &["anna", "boris"]).build(), at(0)).await.unwrap();
        }
        for one in [set(2, "anna", Load::Heavier), set(1, "anna", Load::Lighter), set(3, "boris", Load::Lighter)] {
            store.intervene(&acme, one.clone()).await.unwrap();
            store.intervene(&acme, one).await.unwrap();
        }
        assert_eq!(load_of(&*store, "acme", "anna").await, Load::Heavier);
        assert_eq!(load_of(&*store, "beta", "anna").await, Load::Normal);
        store.shut_down().await;
    }
    let store = place.store().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(5)).await.unwrap();
    assert_eq!(load_of(&*store, "acme", "anna").await, Load::Heavier);
    let wanted = InterventionRequest { limit: 1, agent: Some("anna".into()), ..InterventionRequest::default() };
    let first = store.interventions(&acme, wanted.clone()).await.unwrap();
    assert_eq!(first.items, [set(1, "anna", Load::Lighter)], "the one written last is the newest");
    let second = store.interventions(&acme, InterventionRequest { cursor: first.next, ..wanted }).await.unwrap();
    assert_eq!((second.items.as_slice(), second.next), ([set(2, "anna", Load::Heavier)].as_slice(), None));
    let tags = InterventionRequest { limit: 5, kinds: vec!["tag".to_owned()], ..InterventionRequest::default() };
    assert!(store.interventions(&acme, tags).await.unwrap().items.is_empty());
}
