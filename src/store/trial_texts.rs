//! The stored form of what of a decision was under test: part of its texts in a page. Knows no database.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::broker::store::StoreError;
use crate::core::decision::Reason;
use crate::core::distribution::selection::Adjustment;
use crate::core::ids::{AgentId, GroupId};
use crate::core::proving::rollout::Arm;
use crate::core::proving::trial::{OtherAnswer, OtherStep, PolicyArm, Trial};
use crate::core::record::Lambda;

/// A trial as written. A field added later must have a default.
#[derive(Serialize, Deserialize)]
pub(super) struct TrialTexts {
    arms: Vec<PolicyArm>,
    other: Option<OtherTexts>,
}

#[derive(Serialize, Deserialize)]
struct OtherTexts {
    agent: Option<AgentId>,
    reason: Reason,
    steps: Vec<StepTexts>,
}

#[derive(Serialize, Deserialize)]
struct StepTexts {
    group: GroupId,
    arm: Arm,
    lambda: Arc<str>,
    member: u32,
    unit: f64,
    adjustment: Adjustment,
}

/// The expected shares that a trial refers to, in the order of its steps.
pub(super) fn lambdas(trial: &Trial) -> impl Iterator<Item = &Arc<Lambda>> {
    trial.other.iter().flat_map(|other| &other.steps).map(|step| &step.lambda)
}

impl TrialTexts {
    /// The stored form; `lambda_keys` are those of its steps, in their order. None where nothing was tested.
    pub(super) fn of(trial: &Trial, lambda_keys: &[Arc<str>]) -> Option<Self> {
        let step = |(step, lambda): (&OtherStep, &Arc<str>)| StepTexts {
            group: step.group.clone(),
            arm: step.arm,
            lambda: Arc::clone(lambda),
            member: step.member,
            unit: step.unit,
            adjustment: step.adjustment.clone(),
        };
        let other = trial.other.as_ref().map(|other| OtherTexts {
            agent: other.agent.clone(),
            reason: other.reason,
            steps: other.steps.iter().zip(lambda_keys).map(step).collect(),
        });
        (!trial.arms.is_empty()).then(|| Self { arms: trial.arms.clone(), other })
    }

    /// Keys of the expected shares it refers to.
    pub(super) fn lambda_keys(&self) -> impl Iterator<Item = &str> {
        self.other.iter().flat_map(|other| &other.steps).map(|step| &*step.lambda)
    }

    /// The trial, with its expected shares found by `lambda`.
    pub(super) fn trial(self, lambda: impl Fn(&str) -> Result<Arc<Lambda>, StoreError>) -> Result<Trial, StoreError> {
        let step = |step: StepTexts| {
            let StepTexts { group, arm, lambda: key, member, unit, adjustment } = step;
            Ok(OtherStep { group, arm, lambda: lambda(&key)?, member, unit, adjustment })
        };
        let other = self.other.map(|other| {
            let steps = other.steps.into_iter().map(step).collect::<Result<_, StoreError>>()?;
            Ok::<_, StoreError>(OtherAnswer { agent: other.agent, reason: other.reason, steps })
        });
        Ok(Trial { arms: self.arms, other: other.transpose()? })
    }
}
