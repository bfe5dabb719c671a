//! What does not change from life to life: configuration, keys, dialects.

use std::sync::Arc;
use std::time::Duration;

use koine_core::{Dialect, Error, ErrorKind, FileId, Zone};
use tempfile::TempDir;

use crate::auth::{Lookup, Secrets};
use crate::config::{Config, ConfirmMode};
use crate::dialects::Dialects;
use crate::files::{FileIndex, FileRecord, FileStore};
use crate::simulation::client::Sabotage;

/// What is broken on purpose, to see whether the simulation notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::simulation) struct Mutation {
    /// The disk says that bytes are stable which are not.
    pub(in crate::simulation) disk_lies: bool,
    /// What was written to a socket counts as delivered, without a Pong.
    pub(in crate::simulation) written_confirms: bool,
    /// Between the server and its clients.
    pub(in crate::simulation) sabotage: Sabotage,
}

/// What all lives of all worlds of a test share.
pub(in crate::simulation) struct Ground {
    pub(super) config: Config,
    pub(super) secrets: Secrets,
    pub(super) dialects: Dialects,
    pub(super) files: FileStore,
    pub(super) mutation: Mutation,
    _data: TempDir,
}

impl Ground {
    /// The ground for a mutation; the default one is none.
    pub(in crate::simulation) fn new(mutation: Mutation) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut config = Config { data: data.path().to_owned(), ..Config::default() };
        config.limits.mailbox_frames = 6;
        // The pace of connections is told by the machine's own clock.
        config.limits.requests = 0;
        config.presence.grace = Duration::from_secs(2);
        if mutation.written_confirms {
            let dialects = &mut config.dialects;
            for delivery in [
                &mut dialects.user_sig.delivery,
                &mut dialects.access_token.delivery,
                &mut dialects.status_code.delivery,
                &mut dialects.envelope.delivery,
            ] {
                delivery.confirm = ConfirmMode::Written;
            }
        }
        let secrets = Secrets::open(&config).expect("keys");
        let dialects = Dialects::new(&config, &Zone::utc(), false);
        let files = FileStore::open(&config.data, Arc::new(NoFiles), 0, 0).expect("a folder for files");
        Self { config, secrets, dialects, files, mutation, _data: data }
    }

    pub(super) fn speakers(&self) -> Vec<Arc<dyn Dialect>> {
        self.dialects.iter().map(|mounted| mounted.dialect.clone()).collect()
    }
}

/// Nobody uploads anything.
struct NoFiles;

impl FileIndex for NoFiles {
    fn add(&self, _: FileRecord) -> Lookup<'_, ()> {
        Box::pin(std::future::ready(Err(Error::new(ErrorKind::Unavailable))))
    }

    fn find(&self, _: FileId) -> Lookup<'_, Option<FileRecord>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
