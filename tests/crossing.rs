//! Every dialect with every dialect: what waited, what comes live, the answer, and a group.

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::clients::{Client, Message, Person, connect, until_pending};
use crate::codec::options;
use crate::socket::PATIENCE;
use crate::socket::gateway::Gateway;
use crate::socket::management::Management;
use crate::transcript::{DIALECTS, Fact, Values};

/// A large message, in bytes: the limit is 64 KiB.
const LARGE: usize = 60 << 10;

/// A test for each pair.
pub(crate) fn trials() -> Vec<Trial> {
    let pairs = DIALECTS.iter().flat_map(|from| DIALECTS.iter().map(move |to| (*from, *to)));
    let trial = |(from, to): (&'static str, &'static str)| {
        let test = move || pair(from, to).map_err(|error| format!("{error:#}").into());
        Trial::test(format!("socket every pair: {from} to {to}"), test)
    };
    pairs.map(trial).collect()
}

fn pair(from: &str, to: &str) -> Result<()> {
    let gateway = Gateway::start(options::plain(), false)?;
    let mut management = Management::new(gateway.management(), gateway.management_key().to_owned(), PATIENCE);
    let tom = Person::register(&mut management, "tom")?;
    let jack = Person::register(&mut management, "Jack of all/trades 汤")?;
    let group = group(&mut management, &jack)?;

    let mut sender = connect(&gateway, from, &tom, &jack).context("the sender connects")?;
    let waited = ["it \"waited\"", "等"];
    for text in waited {
        sender.send(&jack, text).context("to somebody who is away")?;
    }
    until_pending(&gateway, &jack, waited.len())?;
    let mut receiver = connect(&gateway, to, &jack, &tom).context("the receiver connects")?;
    let expected: Vec<Message> = waited.iter().map(|text| message(&tom, to, text)).collect();
    let waiting = receiver.waiting(waited.len()).context("what waited")?;
    ensure!(waiting == expected, "what waited was {waiting:?}");

    sender.send(&jack, "live").context("to somebody who is there")?;
    expect(&mut *receiver, &message(&tom, to, "live"))?;
    let large = "汤".repeat(LARGE / "汤".len());
    sender.send(&jack, &large).context("as much as goes into a message, nearly")?;
    expect(&mut *receiver, &message(&tom, to, &large))?;
    receiver.send(&tom, "and back").context("the answer")?;
    expect(&mut *sender, &message(&jack, from, "and back"))?;

    if from != "status-code" && to != "status-code" {
        sender.send_to_group(group, "all of you").context("to the group")?;
        expect(&mut *receiver, &message(&tom, to, "all of you"))?;
    }
    Ok(())
}

fn group(management: &mut Management, member: &Person) -> Result<u64> {
    let mut values = Values::default();
    let fact = Fact::Group {
        name: "crew".to_owned(),
        title: "Crew".to_owned(),
        manager: "tom".to_owned(),
        members: vec![member.handle.clone()],
    };
    management.make_so(&fact, &mut values, "")?;
    values.value("crew", "")?.plain().parse().context("a group's number")
}

fn message(from: &Person, dialect: &str, text: &str) -> Message {
    Message { from: from.name_in(dialect), text: text.to_owned() }
}

fn expect(client: &mut dyn Client, expected: &Message) -> Result<()> {
    let received = client.next().with_context(|| format!("waiting for {expected:?}"))?;
    ensure!(received == *expected, "{expected:?} was expected, not {received:?}");
    Ok(())
}
