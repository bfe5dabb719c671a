//! Lists, a page at a time.

use serde::Serialize;

use super::call::Call;
use super::problem::Problem;

/// Rows of a page where nobody says how many.
const USUAL: usize = 100;
/// The most rows of a page.
const MOST: usize = 1_000;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// The number of the last row that was seen.
    pub(super) after: Option<u64>,
    /// The most rows.
    pub(super) limit: usize,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    /// The rows.
    items: Vec<T>,
    /// What to ask `after` for the next page; `None`: this was the last.
    next: Option<String>,
}

impl Page {
    /// What the query says with `after` and `limit`.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let [after, limit] = call.query(["after", "limit"])?;
        Ok(Self { after: after.map(cursor).transpose()?, limit: self::limit(limit)? })
    }
}

impl<T> List<T> {
    /// A page as it was read; `next` is the number of its last row if there are more.
    pub(super) fn new(items: Vec<T>, next: Option<u64>) -> Self {
        Self { items, next: next.map(|number| number.to_string()) }
    }

    /// Cuts a page out of a whole list, by the rows' numbers.
    pub(super) fn cut<R>(mut rows: Vec<R>, page: Page, number: impl Fn(&R) -> u64, show: impl Fn(&R) -> T) -> Self {
        rows.sort_unstable_by_key(&number);
        rows.retain(|row| page.after.is_none_or(|after| number(row) > after));
        let more = rows.len() > page.limit;
        rows.truncate(page.limit);
        let next = rows.last().filter(|_| more).map(&number);
        Self::new(rows.iter().map(show).collect(), next)
    }
}

/// How many rows a page is to have at most.
pub(super) fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let limit = text.map_or(Ok(USUAL), str::parse);
    match limit {
        Ok(limit @ 1..=MOST) => Ok(limit),
        _ => Err(Problem::bad_request(format!("the query's `limit` is not a number from 1 to {MOST}"))),
    }
}

fn cursor(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::bad_request("the query's `after` is not the `next` of a page"))
}
