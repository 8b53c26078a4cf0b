//! What is kept of a deal from pull to pull: who won it first, and since when it is known.

use super::*;
use meritline::core::deal::DealMemory;

fn pulled(deals: &[Deal]) -> Deal {
    let mut kept: Option<Deal> = None;
    for deal in deals {
        kept = Some(deal.clone().merged_with(kept.as_ref(), Some(now())));
    }
    kept.unwrap()
}

fn owner(deals: &[Deal]) -> String {
    pulled(deals).owner().unwrap().as_str().to_owned()
}

fn won_by(user: &str, days: i64) -> Deal {
    Deal { closed_at: Some(days_ago(days)), ..won("d", user, "100") }
}

#[test]
fn a_deal_handed_over_after_its_contract_stays_with_its_first_owner() {
    assert_eq!(owner(&[open("d", "anna", 30), won_by("anna", 20), won_by("support", 20)]), "anna");
    // Before the contract it is whoever closes it.
    assert_eq!(owner(&[open("d", "anna", 30), won_by("boris", 20)]), "boris");
    // Nobody owned it at first.
    assert_eq!(owner(&[Deal { user: None, ..won_by("", 20) }, won_by("boris", 20), won_by("anna", 20)]), "boris");
    // A row kept before the program knew of first wins.
    let old = won_by("anna", 20);
    assert_eq!(won_by("support", 20).merged_with(Some(&old), None).owner(), Some(&"anna".into()));
}

#[test]
fn a_reopened_deal_is_still_the_first_owners_within_30_days() {
    let reopened = open("d", "boris", 40);
    // While it is open, it is the work of who owns it now.
    assert_eq!(owner(&[won_by("anna", 40), reopened.clone()]), "boris");
    assert_eq!(owner(&[won_by("anna", 40), reopened.clone(), won_by("boris", 10)]), "anna");
    assert_eq!(owner(&[won_by("anna", 40), reopened.clone(), won_by("boris", 9)]), "boris", "sold anew after 31 days");
    // Taken back for good: that is the first owner's affair, unless it is long ago.
    let lost_by = |user: &str, days| Deal { status: DealStatus::Lost, ..won_by(user, days) };
    assert_eq!(owner(&[won_by("anna", 40), lost_by("boris", 10)]), "anna");
    assert_eq!(owner(&[won_by("anna", 40), lost_by("boris", 9)]), "boris");
    // What nobody dates is taken as the same sale.
    let undated = Deal { closed_at: None, ..won_by("boris", 0) };
    assert_eq!(owner(&[won_by("anna", 40), reopened, undated]), "anna");
}

#[test]
fn a_corrected_close_date_makes_no_new_sale() {
    assert_eq!(owner(&[won_by("anna", 100), won_by("boris", 5), won_by("boris", 5)]), "anna");
}

#[test]
fn repeating_a_pull_changes_nothing() {
    let story = [won_by("anna", 40), open("d", "boris", 40), won_by("boris", 9), won_by("clara", 9)];
    let doubled: Vec<Deal> = story.iter().flat_map(|deal| [deal.clone(), deal.clone()]).collect();
    assert_eq!(pulled(&doubled), pulled(&story));
    assert_eq!(owner(&story), "boris");
    let again = pulled(&story);
    assert_eq!(story[3].clone().merged_with(Some(&again), Some(now())), again);
}

#[test]
fn the_first_owner_gets_the_contract_in_the_scores() {
    let kept = pulled(&[won_by("anna", 20), won_by("boris", 20)]);
    let table = scores(&["anna", "boris"], timeless(), &[kept]);
    assert_eq!((of(&table, "anna").contracts_closed, of(&table, "boris").contracts_closed), (1, 0));
}

/// Patience ends after 10 days; this CRM does not say when a deal was opened.
#[test]
fn an_open_deal_without_a_date_is_as_old_as_our_knowledge_of_it() {
    let usual: Vec<Deal> = (0..4)
        .map(|at| Deal { opened_at: Some(days_ago(20)), closed_at: Some(days_ago(15)), ..won(&format!("{at}"), "boris", "100") })
        .collect();
    let hidden = deal("hidden", "anna", DealStatus::Open);
    let seen = |days| hidden.clone().merged_with(None, Some(days_ago(days)));
    let opportunities =
        |deal: Deal| of(&scores(&["anna", "boris"], timeless(), &[usual.clone(), vec![deal]].concat()), "anna").opportunities;
    assert_eq!((opportunities(hidden.clone()), opportunities(seen(10)), opportunities(seen(11))), (0, 0, 1));
    // Seen again later, it does not grow younger.
    let again = hidden.clone().merged_with(Some(&seen(11)), Some(now()));
    let (first_seen_open_at, first_seen_owner) = (Some(days_ago(11)), Some("anna".into()));
    assert_eq!(again.memory, DealMemory { first_win: None, first_seen_open_at, first_seen_owner });
    // Nor where the CRM now says that it was opened today.
    let dated_today = Deal { opened_at: Some(now()), ..hidden.clone() }.merged_with(Some(&seen(11)), Some(now()));
    assert_eq!(opportunities(dated_today), 1);
}
