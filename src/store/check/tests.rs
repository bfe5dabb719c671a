//! A check finds what is wrong, and nothing else.

use super::*;
use crate::store::engine::EngineKind;
use crate::store::progress::Silent;
use crate::store::{engine, sample};

#[test]
fn a_store_in_use_is_clean_on_either_engine() {
    for kind in [EngineKind::Fjall, EngineKind::Sled] {
        let data = tempfile::tempdir().unwrap();
        drop(sample::fill(data.path(), kind, 1_500));
        let engine = engine::open(kind, data.path(), sample::CACHE_BYTES).unwrap();
        let report = check(engine.as_ref(), None, 50, &mut Silent);
        assert_eq!(report.findings, [], "{kind}");
        assert!(report.messages > 1_000 && report.users == 12 && report.conversations > 50, "{report:?}");
    }
}
