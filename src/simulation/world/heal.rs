//! The end of a history: everything works again, everybody comes back, and nothing may be missing.

use super::{World, name};
use crate::config::DialectName;
use crate::simulation::step::USERS;
use crate::store::check::check;
use crate::store::engine::simulated::Crash;
use crate::store::progress::Silent;

/// Long enough for every confirmation.
const A_WHILE: u64 = 5_000;
/// Longer than a dead connection is kept.
const LONG: u64 = 200_000;

impl World {
    /// Heals everything and looks whether anything is missing.
    pub(super) async fn heal(&mut self) -> Result<(), String> {
        self.transcript.push("healing".to_owned());
        self.disk.forget_plan();
        if self.disk.has_ended() || self.disk.is_broken() {
            self.crash(Crash::PowerCut(0)).await?;
        }
        self.part_all();
        self.send_again().await?;
        self.pass(LONG).await;
        self.check_all()?;
        for user in 1..=USERS {
            self.catch_up(user).await?;
        }
        self.pass(A_WHILE).await;
        self.check_all()?;
        for user in 1..=USERS {
            let model = self.model.lock();
            let missing = model.missing(user);
            if !missing.is_empty() {
                return Err(format!("user {user} has never got {missing:?}"));
            }
            if let Some((id, seen)) = model.expected(user).iter().find(|(_, seen)| !seen.pending.is_empty()) {
                return Err(format!("conversation {id} still has {seen:?} for user {user}, who is up to date"));
            }
        }
        self.compare_unread().await?;
        self.compare_logs()?;
        self.check_store().await
    }

    /// Every record must agree with the others.
    async fn check_store(&mut self) -> Result<(), String> {
        self.life.end().await;
        self.disk.crash(Crash::Killed);
        let report = check(self.disk.open().as_ref(), None, usize::MAX, &mut Silent);
        if report.is_clean() { Ok(()) } else { Err(format!("the store is damaged: {:?}", report.findings)) }
    }

    /// What saw no answer is sent again until it has one: then it was accepted exactly once.
    async fn send_again(&mut self) -> Result<(), String> {
        let waiting: Vec<_> = self.outbox.iter().filter(|(_, sent)| !sent.is_empty()).map(|(key, _)| *key).collect();
        for (user, dialect) in waiting {
            self.connect(user, dialect, user);
            self.pass(50).await;
            if let Some(at) = self.clients.len().checked_sub(1) {
                self.retry(at);
            }
            self.pass(50).await;
        }
        self.model.lock().violation()
    }

    /// Takes in what is pending, each user in a way of its own.
    async fn catch_up(&mut self, user: u64) -> Result<(), String> {
        const MOST: usize = 1_000;
        for _ in 0..MOST {
            let came = match user % 4 {
                0 => self.pull(user, true, false).await,
                1 => self.offline(user, false).await,
                2 => self.read_everything(user).await,
                _ => {
                    self.connect(user, DialectName::Envelope, user);
                    self.pass(A_WHILE).await;
                    0
                }
            };
            if came == 0 {
                return self.model.lock().violation();
            }
        }
        Err(format!("what is pending for {} never ends", name(user)))
    }

    /// Reads the history of every session, page by page.
    async fn read_everything(&self, user: u64) -> usize {
        const SIZE: u64 = 7;
        let sessions = self.model.lock().sessions(user);
        for session in sessions {
            let mut page = 1;
            while self.page(user, session, page, SIZE, false).await > 0 {
                page += 1;
            }
        }
        0
    }

    /// What the lists of two dialects show is what should not be read yet; then everything is read.
    async fn compare_unread(&self) -> Result<(), String> {
        for user in 1..=USERS {
            let expected: u64 = self.model.lock().expected(user).values().map(|seen| seen.unread).sum();
            for dialect in [DialectName::UserSig, DialectName::AuthAck] {
                let shown = self.unread(user, dialect).await;
                if shown != Some(expected) {
                    return Err(format!("{dialect} shows user {user} {shown:?} unread, not {expected}"));
                }
            }
            let sessions = self.model.lock().sessions(user);
            for session in sessions {
                self.mark_read(user, session).await;
            }
            let left = self.unread(user, DialectName::UserSig).await;
            if left != Some(0) {
                return Err(format!("user {user} has read everything and is shown {left:?} unread"));
            }
        }
        self.model.lock().violation()
    }
}
