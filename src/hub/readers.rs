//! Who reads from the store: threads that may block, and no more of them than there are cores to read on.
//!
//! More would not read faster. They would take turns, each with caches and an allocator's memory of its own to warm.

use std::sync::Arc;

use koine_core::Error;
use tokio::sync::Semaphore;

/// Work that blocks, in turns.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    blocking: Blocking,
    turns: Arc<Semaphore>,
}

/// Where work is done that blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocking {
    /// On threads of its own.
    Threads,
    /// Where everything else is done, so that a simulation can be repeated.
    #[cfg(test)]
    Tasks,
}

/// How many read at once for each core: one may wait for the disk.
const FOR_EACH_CORE: usize = 2;

impl Readers {
    pub(super) fn new(blocking: Blocking) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { blocking, turns: Arc::new(Semaphore::new(cores * FOR_EACH_CORE)) }
    }

    /// Threads, outside a hub.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(Blocking::Threads)
    }

    /// Does some work when its turn has come. Nothing is done if nobody waits for it any more by then.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| Error::internal())?;
        let work = move || {
            let result = work();
            drop(turn);
            result
        };
        let done = match self.blocking {
            Blocking::Threads => tokio::task::spawn_blocking(work),
            #[cfg(test)]
            Blocking::Tasks => tokio::spawn(async move { work() }),
        };
        done.await.unwrap_or_else(|_| Err(Error::internal()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn not_more_work_at_once_than_there_are_turns() {
        let readers = Readers::new(Blocking::Threads);
        let most = readers.turns.available_permits();
        let (now, top) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..most * 10)
            .map(|number| {
                let (readers, now, top) = (readers.clone(), now.clone(), top.clone());
                tokio::spawn(async move {
                    let work = move || {
                        top.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        Ok(number)
                    };
                    readers.run(work).await
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap().unwrap(), number);
        }
        assert!(top.load(Ordering::SeqCst) <= most);
        assert_eq!(readers.turns.available_permits(), most);
    }

    #[tokio::test]
    async fn a_panic_gives_its_turn_back() {
        let readers = Readers::new(Blocking::Threads);
        let most = readers.turns.available_permits();
        for _ in 0..=most {
            assert!(readers.run(|| -> Result<(), Error> { panic!("as it should") }).await.is_err());
        }
        assert_eq!(readers.run(|| Ok(1)).await.unwrap(), 1);
    }
}
