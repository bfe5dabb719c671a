//! One process: from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use koine_core::{Timestamp, UserId, UserKey, Zone};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::ground::Ground;
use crate::auth::Auth;
use crate::config::DialectName;
use crate::gateway::simulated::Network;
use crate::hub::{Clock, Hub};
use crate::simulation::model::Model;
use crate::simulation::witness::Witnessed;
use crate::store::embedded::{Embedded, Settings};
use crate::store::engine::simulated::Disk;
use crate::store::{Queries, Store};

/// Tokens outlive every history.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// One process of the server.
pub(super) struct Life {
    pub(super) hub: Hub,
    pub(super) network: Network,
    pub(super) store: Arc<Witnessed>,
    pub(super) connections: JoinSet<()>,
    auth: Auth,
}

impl Life {
    /// Opens the store and starts.
    pub(super) fn begin(
        ground: &Ground,
        disk: &Disk,
        model: &Arc<Mutex<Model>>,
        clock: &Clock,
    ) -> Result<Self, String> {
        let settings = Settings::new(&ground.config, false);
        let store = Embedded::open(disk.open(), settings).map_err(|error| error.to_string())?;
        let store = Arc::new(Witnessed { store, disk: disk.clone(), model: Arc::clone(model) });
        let hub = Hub::start_without_threads(
            &ground.config,
            Arc::clone(&store) as Arc<dyn Store>,
            ground.speakers(),
            clock.clone(),
        )
        .map_err(|error| error.to_string())?;
        let auth = Auth::new(&ground.config, &ground.secrets, Arc::new(hub.clone()), false, Zone::utc());
        let network = Network::new(&ground.config, &hub, &auth, &ground.dialects, &ground.files);
        Ok(Self { hub, network, store, connections: JoinSet::new(), auth })
    }

    /// A token of a user's for a dialect.
    pub(super) fn token(&self, user: u64, dialect: DialectName) -> Option<String> {
        let user = self.store.user(&UserKey::Id(UserId::new(user))).ok().flatten()?;
        // Tokens are judged by the machine's own clock.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(0));
        Some(self.auth.mint(&user, Some(dialect), FOREVER, now).token.expose().to_owned())
    }

    /// Ends on the spot.
    pub(super) async fn end(&mut self) {
        self.hub.kill();
        self.connections.shutdown().await;
    }
}
