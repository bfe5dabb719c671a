//! How far it is: a bar on a terminal, now and then a line elsewhere. Both on standard error.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::store::progress::Progress;

/// The least time between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows how far it is.
pub(super) struct Bar {
    kind: Kind,
    what: String,
}

enum Kind {
    Terminal(ProgressBar),
    Lines { done: u64, total: Option<u64>, part: String, next: Instant },
}

impl Bar {
    pub(super) fn new() -> Self {
        let kind = if std::io::stderr().is_terminal() {
            Kind::Terminal(ProgressBar::hidden())
        } else {
            Kind::Lines { done: 0, total: None, part: String::new(), next: Instant::now() + PAUSE }
        };
        Self { kind, what: String::new() }
    }
}

impl Progress for Bar {
    fn begin(&mut self, what: &str, total: Option<u64>) {
        what.clone_into(&mut self.what);
        match &mut self.kind {
            Kind::Terminal(bar) => {
                *bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
                let template = match total {
                    Some(_) => "{msg:28} {wide_bar} {percent:>3} % {eta:>4}",
                    None => "{msg:28} {human_pos} in {elapsed}",
                };
                // A template that cannot be read leaves the bar with its usual looks.
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_message(self.what.clone());
            }
            Kind::Lines { done, total: of, next, .. } => {
                (*done, *of, *next) = (0, total, Instant::now() + PAUSE);
                eprintln!("koine: {what}");
            }
        }
    }

    fn part(&mut self, name: &str) {
        match &mut self.kind {
            Kind::Terminal(bar) => bar.set_message(format!("{} {name}", self.what)),
            Kind::Lines { part, .. } => name.clone_into(part),
        }
    }

    fn advance(&mut self, count: u64) {
        match &mut self.kind {
            Kind::Terminal(bar) => bar.inc(count),
            Kind::Lines { done, total, part, next } => {
                *done += count;
                if Instant::now() >= *next {
                    *next = Instant::now() + PAUSE;
                    let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
                    eprintln!("koine: {} {part}: {done}{of}", self.what);
                }
            }
        }
    }

    fn end(&mut self) {
        if let Kind::Terminal(bar) = &self.kind {
            bar.finish_and_clear();
        }
    }
}
