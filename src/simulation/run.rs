//! Running histories, and shortening those that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::step::{Step, history};
use super::world::{Ground, Lived, Mutation, World};

/// As often a failing history is tried with steps taken out.
const TRIES: usize = 600;

/// A history that fails.
pub(super) struct Failure {
    pub(super) seed: u64,
    pub(super) problem: String,
    pub(super) transcript: Vec<String>,
}

/// Lets a history happen in a world of its own.
pub(super) fn live(ground: &Arc<Ground>, steps: &[Step]) -> Lived {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(World::live(ground, steps))
}

/// Lets the histories of seeds happen, on all processors; the first that fails is shortened.
pub(super) fn seeds(mutation: Mutation, seeds: std::ops::Range<u64>, length: usize) -> Option<Failure> {
    let ground = Arc::new(Ground::new(mutation));
    let (next, over) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let failed = Mutex::new(None);
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let steps = history(seed, length);
                    if live(&ground, &steps).problem.is_some() && !over.swap(true, Ordering::Relaxed) {
                        *failed.lock() = Some((seed, steps));
                    }
                }
            });
        }
    });
    let (seed, steps) = failed.into_inner()?;
    let steps = shorten(&ground, steps);
    let Lived { problem, transcript, .. } = live(&ground, &steps);
    Some(Failure { seed, problem: problem.unwrap_or_else(|| "it does not fail again".to_owned()), transcript })
}

/// Takes steps out of a failing history as long as it still fails.
fn shorten(ground: &Arc<Ground>, mut steps: Vec<Step>) -> Vec<Step> {
    let mut tries = TRIES;
    let mut size = steps.len().div_ceil(2);
    while size > 0 && tries > 0 {
        let (mut from, mut shorter) = (0, false);
        while from < steps.len() && tries > 0 {
            tries -= 1;
            let to = (from + size).min(steps.len());
            let fewer: Vec<Step> = [&steps[..from], &steps[to..]].concat();
            if live(ground, &fewer).problem.is_some() {
                steps = fewer;
                shorter = true;
            } else {
                from = to;
            }
        }
        if !(shorter && size == 1) {
            size /= 2;
        }
    }
    steps
}
