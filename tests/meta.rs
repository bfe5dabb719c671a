//! Tests of the harness itself: it must be able to fail.

use std::path::Path;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::codec;
use crate::transcript::{Json, Transcript, Values, matching};

/// Transcripts that cannot be read, and a part of what is said about each.
const MALFORMED: &[(&str, &str, &str)] = &[
    ("a transcript without a title is refused", "given user tom\n", "t.txt:1"),
    ("a transcript of no dialect is refused", "# xmpp: 1\n", "no dialect `xmpp`"),
    ("a transcript without steps is refused", "# envelope: 1\ngiven user tom\n", "no steps"),
    ("a continuation of nothing is refused", "# envelope: 1\n  more\n", "t.txt:2"),
    ("an unknown sign is refused", "# envelope: 1\ntom ~ x\n", "t.txt:2"),
    ("a frame of an unopened connection is refused", "# envelope: 1\ntom > {}\n", "never opened"),
    ("broken JSON is refused", "# envelope: 1\ntom : envelope /chat\ntom < {\"a\": }\n", "t.txt:3"),
    ("a repeated key is refused", "# envelope: 1\ntom : envelope /chat\ntom < {\"a\": 1, \"a\": 2}\n", "twice"),
    ("an unknown kind is refused", "# envelope: 1\ntom : envelope /chat\ntom < {\"a\": \"<number>\"}\n", "no kind"),
    ("an unknown variable is refused", "# envelope: 1\ntom : envelope /chat\ntom > {\"a\": \"$x\"}\n", "`$x`"),
    ("a fact about nobody is refused", "# envelope: 1\ngiven block tom jack\ntom : envelope /chat\n", "`tom` meaning"),
    ("an unknown fact is refused", "# envelope: 1\ngiven moon full\ntom : envelope /chat\n", "t.txt:2"),
    ("an unknown option of a fact is refused", "# envelope: 1\ngiven user tom\ngiven disabled tom why=x\n", "`why`"),
    (
        "a fact after a step is refused",
        "# envelope: 1\ntom : envelope /chat\ngiven user tom\n",
        "before the first step",
    ),
    ("unproven silence is refused", "# envelope: 1\ntom : envelope /chat\ntom -\n", "proven by nothing"),
    ("a known failure without a reason is refused", "# envelope: 1\nknown-failure:\ntom : envelope /chat\n", "reason"),
    ("a restriction without a reason is refused", "# envelope: 1\nsocket: no\ntom : envelope /chat\n", "reason"),
    ("an answer to nothing is refused", "# user-sig: 1\ntom << 200\n", "requested nothing"),
    ("an unknown error word is refused", "# envelope: 1\ntom : envelope /chat\ntom = invitations -> sad\n", "`sad`"),
    (
        "a name with two meanings is refused",
        "# envelope: 1\ngiven user tom\ngiven user tom\nx : envelope /chat\n",
        "meaning already",
    ),
    ("a wrong unit of time is refused", "# envelope: 1\n@ +5d\n", "unit of time"),
    ("an unknown close code is refused", "# envelope: 1\ntom : envelope /chat\ntom x 99999\n", "close code"),
];

/// The beginning of transcripts that are acted out wrongly.
const LOGIN: &str = "# envelope: a login\ngiven user tom\ngiven user jack\ntom : envelope /chat\n\
    tom > {\"url\": \"/chat/login\", \"params\": {\"token\": \"$tom\"}}\n";

/// What follows the login and must fail, and a part of what is said about it.
const WRONG: &[(&str, &str, &str)] = &[
    ("a wrong value fails", "tom < {\"msgType\": \"9\", ...}", "\"9\" was expected, not \"8\""),
    ("an integer in place of a string fails", "tom < {\"msgType\": 8, ...}", "8 was expected"),
    ("an extra key fails", "tom < {\"msgType\": \"8\"}", "`data` was not expected"),
    ("a missing key fails", "tom < {\"msgType\": \"8\", \"x\": 1, ...}", "`x` is missing"),
    ("a wrong kind fails", "tom < {\"msgType\": \"<int>\", ...}", "<int> was expected"),
    ("a frame that never comes fails", "tom < {...}\ntom < {...}", "nothing has arrived"),
    ("a frame that no line names fails", "", "no line names this frame"),
    ("a close that never comes fails", "tom < {...}\ntom x 1000", "still open"),
    ("a refusal that never comes fails", "tom x 401", "was not refused"),
    ("silence that is broken fails", "tom -\ntom < {...}", "this has arrived"),
    ("a wrong command fails", "tom = authenticate jack\ntom < {...}", "does not fit"),
    ("a command that never came fails", "tom = invitations\ntom < {...}", "no command came out"),
    ("a stale known failure fails", "tom < {...}", "take the line out"),
];

/// The tests of the harness.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, text, said) in MALFORMED {
        trials.push(trial(name, move || refused(Transcript::parse(Path::new("t.txt"), text).map(|_| ()), said)));
    }
    for (name, rest, said) in WRONG {
        let stale = *name == "a stale known failure fails";
        trials.push(trial(name, move || {
            let text = if stale {
                LOGIN.replace("given user tom", "known-failure: none\ngiven user tom")
            } else {
                LOGIN.to_owned()
            };
            let transcript = Transcript::parse(Path::new("t.txt"), &format!("{text}{rest}\n"))?;
            refused(transcript.codec.judge(codec::run(&transcript)), said)
        }));
    }
    trials.push(trial("a right transcript passes", || {
        let transcript = Transcript::parse(Path::new("t.txt"), &format!("{LOGIN}tom < {{\"msgType\": \"8\", ...}}\n"))?;
        codec::run(&transcript)
    }));
    trials.push(trial("numbers are compared by their digits", || {
        compare("{\"a\": 18446744073709551617}", "{\"a\": 18446744073709551617}")?;
        refused(compare("{\"a\": 1}", "{\"a\": 1.0}"), "1 was expected, not 1.0")
    }));
    trials.push(trial("arrays in any order are matched one to one", || {
        compare("{\"<unordered>\": [1, \"<int>\"]}", "[2, 1]")?;
        refused(compare("{\"<unordered>\": [1, 1]}", "[1, 2]"), "no 1 in")
    }));
    trials.push(trial("JSON inside a string is read", || {
        compare("{\"<json>\": {\"a\": 1}}", "\"{\\\"a\\\": 1}\"")?;
        refused(compare("{\"<json>\": {\"a\": 1}}", "{\"a\": 1}"), "<json> was expected")
    }));
    trials.push(trial("what is captured is inserted", || {
        let mut values = Values::default();
        let captured = Json::parse("{\"id\": 12345678901234567890, \"name\": \"a\\\"b\"}")?;
        let pattern = Json::parse_pattern("{\"id\": \"<x:id>\", \"name\": \"<n:string>\"}")?;
        matching::expect(&pattern, &captured, &mut values, "envelope")?;
        let text = values.substitute(
            "{\"id\": $x, \"s\": \"$x and $n for $$5\"}",
            "envelope",
            crate::transcript::Form::Json,
        )?;
        ensure!(text == "{\"id\": 12345678901234567890, \"s\": \"12345678901234567890 and a\\\"b for $5\"}", "{text}");
        Ok(())
    }));
    trials
}

fn compare(expected: &str, actual: &str) -> Result<()> {
    let (expected, actual) = (Json::parse_pattern(expected)?, Json::parse(actual)?);
    matching::expect(&expected, &actual, &mut Values::default(), "envelope")
}

fn trial(name: &str, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(format!("harness {name}"), move || test().map_err(|error| format!("{error:#}").into()))
}

/// The outcome must be a failure that says this.
fn refused(outcome: Result<()>, said: &str) -> Result<()> {
    let Err(error) = outcome else { anyhow::bail!("it passed") };
    let error = format!("{error:#}");
    ensure!(error.contains(said), "`{said}` was to be said, not: {error}");
    Ok(())
}
