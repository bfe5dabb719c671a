//! Results: figures by profile, variant and server, their medians over the rounds, and how they compare.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use serde::Serialize;

use super::number::{float, median};
use super::tally::Faults;

/// What a figure counts, and which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Messages that arrived, per second.
    MessagesPerSecond,
    /// Logins with what was pending, per second.
    LoginsPerSecond,
    /// KiB of the server's memory for each connection.
    KibibytesPerConnection,
    /// Microseconds of the server's core for each message.
    ServerMicroseconds,
    /// Milliseconds.
    Milliseconds,
}

impl Unit {
    /// As it stands in a table.
    pub const fn words(self) -> &'static str {
        match self {
            Self::MessagesPerSecond => "messages/s",
            Self::LoginsPerSecond => "logins/s",
            Self::KibibytesPerConnection => "KiB/connection",
            Self::ServerMicroseconds => "µs of a core/message",
            Self::Milliseconds => "ms",
        }
    }
}

/// The spread of latencies, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half are below.
    pub p50: f64,
    /// 99 % are below.
    pub p99: f64,
    /// 99.9 % are below.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// Of a histogram of nanoseconds.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| float(histogram.value_at_quantile(quantile)) / 1_000.0;
        let max = float(histogram.max()) / 1_000.0;
        (!histogram.is_empty()).then(|| Self { p50: at(0.5), p99: at(0.99), p999: at(0.999), max })
    }
}

/// One server's figure in one round.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The profile.
    pub profile: &'static str,
    /// Which variant of it.
    pub variant: String,
    /// The server.
    pub server: &'static str,
    /// The figure.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// From due to arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Microseconds that the server was on a core, for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_us: Option<f64>,
    /// Microseconds that the generator was on a core, for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_us: Option<f64>,
    /// Pings of the server's, for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pings: Option<f64>,
    /// What went wrong, since the server was started.
    pub faults: Faults,
    /// The first thing that went wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Row {
    /// A figure without anything else.
    pub fn new(profile: &'static str, variant: String, server: &'static str, value: f64, unit: Unit) -> Self {
        let faults = Faults::default();
        Self {
            profile,
            variant,
            server,
            value,
            unit,
            latency: None,
            server_us: None,
            generator_us: None,
            pings: None,
            faults,
            note: None,
        }
    }
}

/// All that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// Every round.
    pub rounds: Vec<Vec<Row>>,
}

/// The rows of one server, variant and unit over all rounds, as one.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Medians; the faults are those of the last round, which count from the start.
    #[serde(flatten)]
    pub row: Row,
    /// This server's figure as a multiple of the gateway's rivals', each compared within its round.
    pub ratios: Vec<Ratio>,
}

/// How the gateway compares with another.
#[derive(Debug, Clone, Serialize)]
pub struct Ratio {
    /// With which.
    pub to: &'static str,
    /// The median of the figures' ratios.
    pub value: f64,
    /// The median of the ratios of the latencies, p50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// The same of p99.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
}

impl Report {
    /// Whether nothing was lost, duplicated, disordered or refused.
    pub fn is_faultless(&self) -> bool {
        self.rounds.iter().flatten().all(|row| row.faults.is_none())
    }

    /// One row for each thing measured, in the order it was measured first.
    pub fn summaries(&self) -> Vec<Summary> {
        let mut seen: Vec<&Row> = Vec::new();
        for row in self.rounds.iter().flatten() {
            if !seen.iter().any(|other| is_same(other, row)) {
                seen.push(row);
            }
        }
        seen.into_iter().map(|row| self.summary(row)).collect()
    }

    fn summary(&self, like: &Row) -> Summary {
        let all: Vec<&Row> = self.rounds.iter().flatten().filter(|row| is_same(row, like)).collect();
        let over = |figure: fn(&Row) -> Option<f64>| {
            let values: Vec<f64> = all.iter().filter_map(|row| figure(row)).collect();
            (!values.is_empty()).then(|| median(values))
        };
        let latency = over(|row| Some(row.latency?.p50)).map(|p50| Latency {
            p50,
            p99: over(|row| Some(row.latency?.p99)).unwrap_or_default(),
            p999: over(|row| Some(row.latency?.p999)).unwrap_or_default(),
            max: all.iter().filter_map(|row| row.latency).map(|latency| latency.max).fold(0.0, f64::max),
        });
        let last = all.last().copied().unwrap_or(like);
        let row = Row {
            value: over(|row| Some(row.value)).unwrap_or_default(),
            latency,
            server_us: over(|row| row.server_us),
            generator_us: over(|row| row.generator_us),
            pings: over(|row| row.pings),
            ..last.clone()
        };
        let rivals: Vec<&'static str> = match like.server {
            "koine" => self.rivals(like),
            _ => Vec::new(),
        };
        let ratios = rivals.into_iter().map(|to| self.ratio(like, to)).collect();
        Summary { row, ratios }
    }

    /// Other servers of which there is the same figure.
    fn rivals(&self, like: &Row) -> Vec<&'static str> {
        let mut names = Vec::new();
        for row in self.rounds.iter().flatten() {
            if is_comparable(row, like) && row.server != like.server && !names.contains(&row.server) {
                names.push(row.server);
            }
        }
        names
    }

    fn ratio(&self, like: &Row, to: &'static str) -> Ratio {
        let mut pairs = Vec::new();
        for round in &self.rounds {
            let own = round.iter().find(|row| is_same(row, like));
            let other = round.iter().find(|row| row.server == to && is_comparable(row, like));
            pairs.extend(own.zip(other));
        }
        let of = |figure: fn(&Row) -> Option<f64>| {
            let ratio = |(own, other): &(&Row, &Row)| Some(figure(own)? / figure(other)?.max(f64::MIN_POSITIVE));
            let ratios: Vec<f64> = pairs.iter().filter_map(ratio).collect();
            (!ratios.is_empty()).then(|| median(ratios))
        };
        Ratio {
            to,
            value: of(|row| Some(row.value)).unwrap_or_default(),
            p50: of(|row| Some(row.latency?.p50)),
            p99: of(|row| Some(row.latency?.p99)),
        }
    }

    /// The conditions, every round, and the summary, as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            report: &'a Report,
            summary: Vec<Summary>,
        }
        serde_json::to_string_pretty(&Whole { report: self, summary: self.summaries() })
    }

    /// The summary for people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
            "profile",
            "variant",
            "server",
            "figure",
            "",
            "compared",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "server µs",
            "own µs",
            "faults",
        ]);
        for Summary { row, ratios } in self.summaries() {
            let latency =
                |part: fn(Latency) -> f64| row.latency.map(|latency| figure(part(latency))).unwrap_or_default();
            table.add_row([
                row.profile.to_owned(),
                row.variant.clone(),
                row.server.to_owned(),
                figure(row.value),
                row.unit.words().to_owned(),
                ratios.iter().map(compared).collect::<Vec<_>>().join("\n"),
                latency(|latency| latency.p50),
                latency(|latency| latency.p99),
                latency(|latency| latency.p999),
                row.server_us.map(figure).unwrap_or_default(),
                row.generator_us.map(figure).unwrap_or_default(),
                faults(row.faults),
            ]);
        }
        for column in [3, 6, 7, 8, 9, 10] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string()
    }
}

/// The same figure of the same server.
fn is_same(one: &Row, other: &Row) -> bool {
    one.server == other.server && is_comparable(one, other) && one.variant == other.variant
}

/// The same figure, of whichever server: a relay knows no dialects, so that its one variant compares with them all.
fn is_comparable(one: &Row, other: &Row) -> bool {
    one.profile == other.profile
        && one.unit == other.unit
        && (one.variant == other.variant || one.variant == RELAYED || other.variant == RELAYED)
}

/// The variant of a relay's figures.
pub const RELAYED: &str = "relay";

/// A figure with three digits that count.
fn figure(value: f64) -> String {
    if value >= 100.0 {
        let whole = format!("{value:.0}");
        let mut grouped = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place) % 3 == 0 {
                grouped.push(' ');
            }
            grouped.push(digit);
        }
        grouped
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn compared(ratio: &Ratio) -> String {
    let mut text = format!("{:.2} × {}", ratio.value, ratio.to);
    if let (Some(p50), Some(p99)) = (ratio.p50, ratio.p99) {
        let _ = write!(text, " (p50 {p50:.2} ×, p99 {p99:.2} ×)");
    }
    text
}

fn faults(faults: Faults) -> String {
    let Faults { lost, duplicated, disordered, refused, closed } = faults;
    let named = [
        (lost, "lost"),
        (duplicated, "duplicated"),
        (disordered, "disordered"),
        (refused, "refused"),
        (closed, "closed"),
    ];
    let told: Vec<String> =
        named.into_iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(server: &'static str, variant: &str, value: f64, p99: f64) -> Row {
        let latency = Some(Latency { p50: p99 / 2.0, p99, p999: p99, max: p99 });
        Row { latency, ..Row::new("chat", variant.to_owned(), server, value, Unit::MessagesPerSecond) }
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_their_median_is_told() {
        let report = Report {
            conditions: Vec::new(),
            rounds: vec![
                vec![row("koine", "a", 80.0, 20.0), row("ceiling", RELAYED, 100.0, 10.0)],
                vec![row("koine", "a", 35.0, 30.0), row("ceiling", RELAYED, 50.0, 30.0)],
                vec![row("koine", "a", 90.0, 9.0), row("ceiling", RELAYED, 100.0, 10.0)],
            ],
        };
        let summaries = report.summaries();
        assert_eq!(summaries.len(), 2);
        assert!((summaries[0].row.value - 80.0).abs() < 1e-9);
        let [ratio] = summaries[0].ratios.as_slice() else { panic!("one rival") };
        assert!((ratio.value - 0.8).abs() < 1e-9, "{ratio:?}");
        assert!(ratio.p99.is_some_and(|p99| (p99 - 1.0).abs() < 1e-9), "{ratio:?}");
        assert!(summaries[1].ratios.is_empty());
    }

    #[test]
    fn a_table_has_a_line_for_each_and_names_what_went_wrong() {
        let mut bad = row("koine", "a", 12_345.6, 20.0);
        bad.faults.lost = 3;
        let report = Report { conditions: Vec::new(), rounds: vec![vec![bad]] };
        let table = report.table();
        assert!(table.contains("12 346") && table.contains("3 lost"), "{table}");
        assert!(!report.is_faultless());
        assert!(report.json().unwrap().contains("\"messages-per-second\""));
    }
}
