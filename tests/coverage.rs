//! What the transcripts cover.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use http::Method;

use crate::codec::{http as endpoints, options};
use crate::transcript::{Action, Transcript};

/// Every endpoint of every dialect has a transcript that it succeeds in, and one that it refuses.
pub(crate) fn every_endpoint_is_shown(transcripts: &[Transcript]) -> Result<()> {
    let config = options::plain();
    for (name, dialect) in options::dialects(&config)? {
        let prefix = options::prefix(&config, name);
        let mut shown = BTreeSet::new();
        for (request, path) in transcripts.iter().flat_map(requests).filter(|(request, _)| request.dialect == name) {
            let method: Method = request.method.parse().with_context(|| path.clone())?;
            let target = request.path.split('?').next().unwrap_or_default();
            if let Some((endpoint, _)) = endpoints::route(&*dialect, prefix, &method, target)? {
                shown.insert((endpoint.method().to_string(), endpoint.path(), path.contains("invalid")));
            }
        }
        for endpoint in dialect.endpoints() {
            let (method, path) = (endpoint.method().to_string(), endpoint.path());
            ensure!(shown.contains(&(method.clone(), path, false)), "no transcript shows {name}'s {method} {path}");
            let can_refuse = !matches!(path, "/message/get/id");
            let refused = !can_refuse || shown.contains(&(method.clone(), path, true));
            ensure!(refused, "no invalid transcript shows {name}'s {method} {path}");
        }
    }
    Ok(())
}

fn requests(transcript: &Transcript) -> impl Iterator<Item = (&crate::transcript::Request, String)> {
    transcript.steps.iter().filter_map(|step| match &step.action {
        Action::Request { request, .. } => Some((request, transcript.path.display().to_string())),
        _ => None,
    })
}
