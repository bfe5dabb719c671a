//! What the parts of a message's path take by themselves: decoding, encoding, committing.

#![expect(clippy::expect_used, reason = "a program that cannot measure has nothing else to do")]

mod codec;

use std::hint::black_box;
use std::sync::Arc;

use codec::Codec;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use koine::bench::text;
use koine::config::{Config, DialectName};
use koine::store::embedded::{Embedded, Settings};
use koine::store::engine::{self, DEFAULT_CACHE_BYTES, EngineKind};
use koine::store::{Action, Op, Outcome, Store};
use koine_core::{Content, Handle, Reply, SendMessage, Target, Timestamp, UserId, UserKey};

/// Messages of one batch.
const BATCH: usize = 64;

fn codecs(criterion: &mut Criterion) {
    for name in DialectName::ALL {
        let mut group = criterion.benchmark_group(name.as_str());
        group.throughput(Throughput::Elements(1));
        let mut codec = Codec::new(name);
        group.bench_function("decode and acknowledge", |bencher| {
            bencher.iter(|| {
                let (tag, send) = codec.decode();
                black_box(send);
                codec.acknowledge(tag)
            });
        });
        group.bench_function("encode", |bencher| bencher.iter(|| codec.encode()));
        group.finish();
    }
}

fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    for kind in [EngineKind::Fjall, EngineKind::Sled] {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = engine::open(kind, directory.path(), DEFAULT_CACHE_BYTES).expect("an engine");
        let store = Embedded::open(engine, Settings::new(&Config::default(), false)).expect("a store");
        let users = [ensure(&store, "tom"), ensure(&store, "jack")];
        group.bench_function(format!("{BATCH} messages, durable, {kind}"), |bencher| {
            bencher.iter_batched(|| ops(users), |ops| store.apply(now(), ops), BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or_default())
}

fn ensure(store: &Embedded, handle: &str) -> UserId {
    let op = Op { by: None, action: Action::Ensure(Handle::new(handle).expect("a handle")) };
    match store.apply(now(), vec![op]).pop().map(|applied| applied.result) {
        Some(Ok(Outcome::Reply(Reply::User(user)))) => user.id,
        other => panic!("no user: {other:?}"),
    }
}

fn ops([from, to]: [UserId; 2]) -> Vec<Op> {
    let send = SendMessage {
        target: Target::User(UserKey::Id(to)),
        content: Content::text(&text::blank()),
        client_id: None,
        key: None,
        reads: false,
    };
    let op = Arc::new(Op { by: Some(from), action: Action::Send(send) });
    (0..BATCH).map(|_| Op::clone(&op)).collect()
}

criterion_group!(micro, codecs, commits);
criterion_main!(micro);
