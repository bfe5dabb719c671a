//! fjall's keyspaces, by the name of our space.

use std::sync::{Arc, PoisonError, RwLock};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch};
use rustc_hash::FxHashMap;

use super::convert::failed;
use crate::store::engine::tally::Mark;
use crate::store::engine::{EngineError, Space};

/// Not a name that a space can have.
const POSITION_SPACE: &str = "#position";
const POSITION_KEY: &[u8] = b"commit";

/// A space's share of memory before it is written out as a table.
pub(super) const WRITE_BUFFER_BYTES: u64 = 16 * 1024 * 1024;

pub(super) type Handles = FxHashMap<String, Keyspace>;

/// Every space there is. The map is replaced, never changed, so that a reader takes it with one clone.
pub(super) struct Spaces {
    handles: RwLock<Arc<Handles>>,
    position: Keyspace,
}

impl Spaces {
    /// Opens every space of a database, and tells of its last commit.
    pub(super) fn open(database: &Database) -> Result<(Self, Mark), EngineError> {
        let mut handles = Handles::default();
        for name in database.list_keyspace_names() {
            handles.insert(name.to_string(), keyspace(database, &name)?);
        }
        let position = match handles.remove(POSITION_SPACE) {
            Some(handle) => handle,
            None => keyspace(database, POSITION_SPACE)?,
        };
        let stored = stored_mark(&position)?;
        Ok((Self { handles: RwLock::new(Arc::new(handles)), position }, stored))
    }

    pub(super) fn handles(&self) -> Arc<Handles> {
        Arc::clone(&self.handles.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The space's handle, if there is one.
    pub(super) fn handle(&self, space: Space) -> Option<Keyspace> {
        self.handles.read().unwrap_or_else(PoisonError::into_inner).get(&*space.name()).cloned()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.handles().keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The space's handle; the space is created, durably, when there is none. For the writer only.
    pub(super) fn handle_or_create(&self, database: &Database, space: Space) -> Result<Keyspace, EngineError> {
        if let Some(handle) = self.handle(space) {
            return Ok(handle);
        }
        let name = space.name();
        let handle = keyspace(database, &name)?;
        self.change(|handles| handles.insert(name.into_owned(), handle.clone()));
        Ok(handle)
    }

    /// Removes a space; its files go when the last snapshot lets go of it. For the writer only.
    pub(super) fn remove(&self, database: &Database, space: Space) -> Result<(), EngineError> {
        let Some(handle) = self.handles().get(&*space.name()).cloned() else { return Ok(()) };
        self.change(|handles| handles.remove(&*space.name()));
        database.delete_keyspace(handle).map_err(|error| failed(format!("dropping {space}"), error))
    }

    pub(super) fn put_mark(&self, writes: &mut OwnedWriteBatch, mark: Mark) {
        writes.insert(&self.position, POSITION_KEY, mark.encode());
    }

    fn change<T>(&self, change: impl FnOnce(&mut Handles) -> T) {
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut handles));
    }
}

fn keyspace(database: &Database, name: &str) -> Result<Keyspace, EngineError> {
    let options = || KeyspaceCreateOptions::default().max_memtable_size(WRITE_BUFFER_BYTES);
    database.keyspace(name, options).map_err(|error| failed(format!("opening space {name}"), error))
}

fn stored_mark(position: &Keyspace) -> Result<Mark, EngineError> {
    let value = position.get(POSITION_KEY).map_err(|error| failed("reading the position", error))?;
    value.map_or(Ok(Mark::default()), |value| Mark::decode(&value))
}
