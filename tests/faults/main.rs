//! Fault tests: the real program is killed, loses its power, its disk, its descriptors and its clock, and meets
//! clients that do not read; then what it keeps is compared with what it has promised.
//!
//! `cargo test --test faults` is the normal run, `LONG_TESTS=1 cargo test --release --test faults` the long one.
//! What a machine does not allow is left out, and said so.

mod bad_disk;
mod catch_up;
mod clock;
mod dialect;
mod exhaustion;
mod fleet;
mod graceful_stop;
mod half_open;
mod http;
mod killed;
mod ledger;
mod line;
mod overload;
mod power_cut;
mod process;
mod slow_consumers;
mod tools;

use std::process::ExitCode;
use std::sync::{PoisonError, RwLock};

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

/// Tests that compare times want the machine for themselves.
static MACHINE: RwLock<()> = RwLock::new(());

const ENGINES: [&str; 2] = ["fjall", "sled"];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(3));
    let (mount, inject) = (tools::can_mount(), tools::can_inject());
    let both = mount.clone().and(inject.clone());
    let mut trials = Vec::new();
    for engine in ENGINES {
        let mut add = |name: &str, possible: &Result<(), String>, test: Test| {
            trials.push(beside_others(&format!("{engine} {name}"), possible, move || test(engine)));
        };
        add("keeps what it accepted through kill -9", &Ok(()), |engine| run(killed::at_random_moments(engine)));
        add("keeps what it accepted through power cuts", &mount, |engine| run(power_cut::honest(engine)));
        add("would lose it if it did not sync", &both, |engine| run(power_cut::without_syncs(engine)));
        add("accepts nothing more once a sync has failed", &inject, |engine| run(bad_disk::syncs_fail(engine)));
        add("accepts nothing more once a write has failed", &inject, |engine| run(bad_disk::writes_fail(engine)));
        add("keeps its order when the clock jumps", &clock::possible(), |engine| run(clock::jumps(engine)));
        add("comes back after the disk was full", &mount, |engine| run(bad_disk::full(engine)));
    }
    let always = Ok(());
    trials.extend([
        beside_others("sends wait while the disk is nearly full", &mount, || run(bad_disk::nearly_full())),
        beside_others("a graceful stop under load loses nothing", &always, || run(graceful_stop::under_load())),
        beside_others("a stop is seen by probes", &always, || run(graceful_stop::is_seen_by_probes())),
        beside_others("who reconnects continues where it was", &always, || run(graceful_stop::continues())),
        beside_others("what a half-open connection was pushed stays pending", &always, || {
            run(half_open::stays_pending())
        }),
        beside_others("existing connections go on without descriptors", &always, || run(exhaustion::descriptors())),
        alone("good clients go on beside slow ones", || run(exhaustion::slow_clients())),
        alone("slow consumers are closed and delay nobody", || run(slow_consumers::are_closed())),
        alone("overload loses nothing", || run(overload::loses_nothing())),
    ]);
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Test = fn(&'static str) -> Result<(), Failed>;

/// A test that minds no others; left out where it is not possible.
fn beside_others(
    name: &str,
    possible: &Result<(), String>,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    if let Err(reason) = possible {
        eprintln!("left out: {name}: {reason}");
    }
    let test = move || {
        let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
        test()
    };
    Trial::test(name, test).with_ignored_flag(possible.is_err())
}

/// A test that wants the machine for itself.
fn alone(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        test()
    })
}

fn run(test: impl Future<Output = Result<()>>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(test).map_err(|error| Failed::from(format!("{error:#}")));
    runtime.shutdown_background();
    done
}
