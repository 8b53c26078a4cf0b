//! What holds for the scores of any deals.

use super::*;
use proptest::prelude::*;

const POOL: [&str; 4] = ["a", "b", "c", "d"];

fn any_deal() -> impl Strategy<Value = Deal> {
    let status = prop_oneof![Just(DealStatus::Won), Just(DealStatus::Lost), Just(DealStatus::Open)];
    let user = prop::option::weighted(0.9, prop::sample::select(vec!["a", "b", "c", "d", "stranger"]));
    let days = || prop::option::weighted(0.8, 0i64..200);
    let amount = prop::option::weighted(0.8, (-100i64..1_000_000, 0u32..5));
    (status, user, days(), days(), amount, prop::option::weighted(0.2, 0u8..5), any::<bool>()).prop_map(
        |(status, user, opened, closed, amount, key, foreign)| Deal {
            user: user.map(Into::into),
            opened_at: opened.map(days_ago),
            closed_at: closed.map(days_ago),
            amount: amount.map(|(digits, scale)| Decimal::new(digits, scale)),
            currency: foreign.then(|| "EUR".parse().unwrap()),
            link_key: key.map(|key| format!("K{key}")),
            ..deal("", "", status)
        },
    )
}

/// Deals of two connections with ids of their own, and an order in which they may arrive instead.
fn any_history() -> impl Strategy<Value = (Vec<(ConnectionId, Deal)>, Vec<usize>)> {
    prop::collection::vec((any_deal(), any::<bool>()), 0..60).prop_flat_map(|deals| {
        let named: Vec<(ConnectionId, Deal)> = deals
            .into_iter()
            .enumerate()
            .map(|(at, (deal, first))| {
                let connection = if first { "bitrix" } else { "sheet" };
                (connection.into(), Deal { deal: format!("d{at}").into(), ..deal })
            })
            .collect();
        let order = Just((0..named.len()).collect::<Vec<_>>()).prop_shuffle();
        (Just(named), order)
    })
}

fn fading() -> ScoreSettings {
    ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() }
}

/// The same deal, all of it today.
fn of_today((connection, deal): (ConnectionId, Deal)) -> (ConnectionId, Deal) {
    (connection, Deal { opened_at: deal.opened_at.map(|_| now()), closed_at: deal.closed_at.map(|_| now()), ..deal })
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_move_a_bit((deals, order) in any_history()) {
        let straight = scores_of_two(&POOL, fading(), deals.iter().map(|(connection, deal)| (connection, deal)));
        let shuffled = order.iter().map(|at| (&deals[*at].0, &deals[*at].1));
        prop_assert_eq!(straight, scores_of_two(&POOL, fading(), shuffled));
    }

    #[test]
    fn values_are_finite_and_positive_and_explained((deals, _) in any_history()) {
        let table = scores_of_two(&POOL, fading(), deals.iter().map(|(connection, deal)| (connection, deal)));
        prop_assert_eq!(table.agents.len(), POOL.len());
        for agent in &table.agents {
            prop_assert!(agent.value.is_finite() && agent.value > 0.0, "{:?}", agent);
            prop_assert!(agent.contracts_closed <= agent.opportunities && agent.contracts_closed <= agent.contracts_known);
            let why = table.explain(&agent.agent).unwrap();
            let product: f64 = why.metrics.iter().map(|metric| metric.contribution).product();
            prop_assert!((product - agent.value).abs() <= 1e-12 * agent.value, "{} and {}", product, agent.value);
            if agent.opportunities == 0 && agent.faded_undecided == 0.0 {
                prop_assert_eq!(agent.value, 1.0);
            }
        }
    }

    /// Of people who worked at the same time: who was there for a few weeks only is measured by those weeks.
    #[test]
    fn the_pool_sums_up_its_agents((deals, _) in any_history()) {
        let deals: Vec<(ConnectionId, Deal)> = deals.into_iter().map(of_today).collect();
        let table = scores_of_two(&POOL, timeless(), deals.iter().map(|(connection, deal)| (connection, deal)));
        let revenue: Decimal = table.agents.iter().map(|agent| agent.revenue).sum();
        prop_assert_eq!(revenue, table.pool.revenue);
        // With R0 = sum k / sum n, what the pool was expected to close is what it closed; likewise for amounts.
        let expected: f64 = table.agents.iter().map(|agent| agent.expected_contracts).sum();
        prop_assert!((expected - table.pool.contracts_closed as f64).abs() < 1e-9);
    }

    /// With `k` of `n` won (the new contract among them), `N` deals of the others and caution `m`, the index (k + m) / (n R0 + m) can fall
    /// by a contract only where k n > m N: whoever is most of a pool is compared with nobody but oneself, and moves the bar as much as the own conversion.
    #[test]
    fn one_more_contract_never_lowers_and_one_more_loss_never_raises((deals, _) in any_history()) {
        // One more decided deal moves the usual time to close, and with it which open deals are overdue: those are another rule.
        let decided = |(_, deal): &(ConnectionId, Deal)| deal.status != DealStatus::Open;
        let deals: Vec<(ConnectionId, Deal)> = deals.into_iter().map(of_today).filter(decided).collect();
        let bitrix = ConnectionId::from("bitrix");
        let scored = |extra: Option<&Deal>| {
            let all = deals.iter().map(|(connection, deal)| (connection, deal)).chain(extra.map(|deal| (&bitrix, deal)));
            scores_of_two(&POOL, timeless(), all)
        };
        let (contract, loss) = (deal("extra", "a", DealStatus::Won), deal("extra", "a", DealStatus::Lost));
        let (before, after) = (scored(None), scored(Some(&contract)));
        let index = of(&before, "a").conversion_index;
        let own = of(&after, "a");
        let others = after.pool.opportunities - own.opportunities;
        if (own.contracts_closed * own.opportunities) as f64 <= timeless().caution * others as f64 {
            prop_assert!(own.conversion_index >= index - 1e-12);
        }
        prop_assert!(of(&scored(Some(&loss)), "a").conversion_index <= index + 1e-12);
    }
}
