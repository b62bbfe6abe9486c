//! `divvy scale queue`: how long tasks wait, how many of them, and how many servers that takes.

use super::numbers::{per_second, positive, seconds};
use crate::args::{Output, QueueArgs};
use crate::exit::{Exit, bad_usage};
use crate::figures::{filled, number, time};
use crate::jobs::answer;
use crate::table::Table;
use anyhow::Result;
use divvy_model::queue::{Mgc, servers_for, table};
use serde_json::{Value, json};

/// How close to it no wait is worth a server: a tenth of the service.
const TARGET_SHARE: f64 = 0.1;
/// More servers than these make no table that anybody waits for.
const SERVERS_MAX: f64 = 1e7;
/// Servers shown on either side of the one asked for.
const AROUND: u32 = 3;

const LITTLE: &str = "L = lambda W (Little 1961)";
const EXPONENTIAL: &str = "M/M/c: wait = C(c, a) / (c/S - lambda), C by Erlang 1917";
const EXPONENTIAL_SOURCE: &str = "Erlang 1917; Little 1961";
const GENERAL: &str = "M/G/c: one server by Pollaczek and Khinchine; more by Cosmetatos 1975 (cv below 1) or Allen \
                       and Cunneen, (1 + cv^2)/2 times M/M/c";
const GENERAL_SOURCE: &str =
    "Pollaczek 1930, Khinchine 1932; Cosmetatos 1975; Allen and Cunneen 1978; Little 1961";

/// The queue that was asked about.
struct Asked {
    arrival: f64,
    service: f64,
    cv: f64,
    target: f64,
}

/// What becomes of it.
struct Answer {
    asked: Asked,
    /// The fewest servers whose queue does not grow without end.
    least: u32,
    /// The fewest with which the mean wait is the target or less.
    enough: u32,
    /// The number asked for, or what is enough.
    chosen: Mgc,
    /// Other numbers, ascending.
    by_servers: Vec<Mgc>,
    /// Other loads of the chosen number.
    by_load: Vec<Mgc>,
}

/// Computes and tells.
///
/// # Errors
/// Bad usage; also a queue that would grow without end.
pub fn queue(args: &QueueArgs, output: Output) -> Result<Exit> {
    let servers = args.servers.map(|servers| servers.min(u64::from(u32::MAX)) as u32);
    let found = Answer::new(asked(args)?, servers)?;
    answer(output, || found.text(), || found.json())?;
    Ok(Exit::Done)
}

fn asked(args: &QueueArgs) -> Result<Asked> {
    let arrival = per_second("--arrival", &args.arrival)?;
    let service = positive("--service", &args.service)?;
    let target = args.target_wait.as_ref().map(|text| seconds("--target-wait", text)).transpose()?;
    if target == Some(0.0) {
        return Err(bad_usage(
            "--target-wait: random arrivals always wait now and then; give a time above zero",
        ));
    }
    if !(args.cv.is_finite() && args.cv >= 0.0) {
        return Err(bad_usage(format!("--cv: {} is no standard deviation over mean: 0 or above", args.cv)));
    }
    if arrival * service > SERVERS_MAX {
        return Err(bad_usage(format!(
            "{} tasks/s of {} each keep {} busy: is the unit right?",
            number(arrival),
            time(service),
            servers_of(arrival * service)
        )));
    }
    Ok(Asked { arrival, service, cv: args.cv, target: target.unwrap_or(TARGET_SHARE * service) })
}

impl Asked {
    fn with(&self, servers: u32) -> Result<Mgc> {
        Mgc::new(self.arrival, self.service, self.cv * self.cv, servers).map_err(bad_usage)
    }

    /// So many servers at other loads, with the variation that was asked about.
    fn loads(&self, servers: u32) -> Result<Vec<Mgc>> {
        let rows = table(self.service, servers).map_err(bad_usage)?;
        rows.into_iter().map(|row| Asked { arrival: row.arrival, ..*self }.with(servers)).collect()
    }

    fn is_exponential(&self) -> bool {
        self.cv == 1.0
    }
}

/// The fewest servers whose queue does not grow without end.
fn least(asked: &Asked) -> Result<u32> {
    let near = (asked.arrival * asked.service).floor() as u32;
    let is_enough = |c: u32| Ok::<_, anyhow::Error>(!asked.with(c.max(1))?.exponential.is_overloaded());
    // Where the product is a whole number or nearly, rounding decides, and so does the model.
    for servers in near.max(1)..near + 2 {
        if is_enough(servers)? {
            return Ok(servers);
        }
    }
    Ok(near + 2)
}

/// The fewest servers with which the mean wait is the target or less.
fn enough(asked: &Asked) -> Result<u32> {
    let scv = asked.cv * asked.cv;
    if scv >= 1.0 {
        // The wait is that of M/M/c, times a factor.
        return servers_for(asked.arrival, asked.service, asked.target * 2.0 / (1.0 + scv))
            .map_err(bad_usage);
    }
    // Less variation never waits longer: that of M/M/c is an upper bound.
    let upper = servers_for(asked.arrival, asked.service, asked.target).map_err(bad_usage)?;
    let (mut too_few, mut servers) = (0, upper);
    while servers - too_few > 1 {
        let middle = too_few.midpoint(servers);
        if asked.with(middle)?.wait() <= asked.target { servers = middle } else { too_few = middle }
    }
    Ok(servers)
}

fn impossible(asked: &Asked, servers: u32, least: u32, enough: u32) -> anyhow::Error {
    let are = if servers == 1 { "1 server is".into() } else { format!("{servers} servers are") };
    bad_usage(format!(
        "{are} impossible: {} tasks/s of {} each keep {} busy without a break, so the queue would grow for \
         ever. {least} could work at the least; with {enough} the mean wait is {} or less",
        number(asked.arrival),
        time(asked.service),
        servers_of(asked.arrival * asked.service),
        time(asked.target)
    ))
}

/// `1 server`, `2.5 servers`.
fn servers_of(busy: f64) -> String {
    let shown = number(busy);
    format!("{shown} server{}", if shown == "1" { "" } else { "s" })
}

fn are_busy(busy: f64) -> String {
    let servers = servers_of(busy);
    let verb = if servers.ends_with('s') { "are" } else { "is" };
    format!("{servers} {verb}")
}

/// The number asked for, its neighbours, the least and the one that is enough, ascending.
fn around(servers: u32, least: u32, enough: u32) -> impl Iterator<Item = u32> {
    let near = servers.saturating_sub(AROUND)..=servers.saturating_add(AROUND);
    let all: std::collections::BTreeSet<u32> = near.chain([least, enough]).filter(|c| *c >= least).collect();
    all.into_iter()
}

impl Answer {
    fn new(asked: Asked, servers: Option<u32>) -> Result<Answer> {
        let (least, enough) = (least(&asked)?, enough(&asked)?);
        let servers = servers.unwrap_or(enough);
        if servers < least {
            return Err(impossible(&asked, servers, least, enough));
        }
        let by_servers = around(servers, least, enough).map(|c| asked.with(c)).collect::<Result<_>>()?;
        let by_load = asked.loads(servers)?;
        let chosen = asked.with(servers)?;
        Ok(Answer { asked, least, enough, chosen, by_servers, by_load })
    }

    fn text(&self) -> String {
        let Answer { asked, least, enough, chosen, by_servers, by_load } = self;
        let servers = chosen.exponential.servers();
        let mut out = format!(
            "{} tasks/s of {} each, cv {}\n  {} busy on average: {LITTLE}\n  {}\n\n",
            number(asked.arrival),
            time(asked.service),
            asked.cv,
            are_busy(asked.arrival * asked.service),
            if asked.is_exponential() { EXPONENTIAL } else { GENERAL }
        );
        let mut head = vec!["servers", "utilisation", "mean wait"];
        if asked.is_exponential() {
            head.push("99 % wait less than");
        }
        head.extend(["wait and service", "waiting"]);
        let mut servers_table = Table::new(&head);
        for row in by_servers {
            servers_table.line(cells(row, asked.is_exponential(), servers));
        }
        out += &servers_table.text();
        out += &format!(
            "  the least that could work: {least}; for a mean wait of {} or less: {enough}\n\n",
            time(asked.target)
        );
        out += &format!(
            "  {} at other loads, {}:\n\n",
            crate::jobs::count(u64::from(servers), "server"),
            if asked.is_exponential() {
                "exponential service times (M/M/c)".into()
            } else {
                format!("service times of cv {} (M/G/c)", asked.cv)
            }
        );
        let mut load_table =
            Table::new(&["utilisation", "tasks/s", "mean wait", "wait and service", "waiting"]);
        for row in by_load {
            load_table.line(vec![
                filled(row.exponential.utilisation()),
                number(row.exponential.arrival()),
                time(row.wait()),
                time(row.response()),
                number(row.depth()),
            ]);
        }
        out + &load_table.text()
    }

    fn json(&self) -> Value {
        let Answer { asked, least, enough, chosen, by_servers, by_load } = self;
        let of = |row: &Mgc| {
            let queue = &row.exponential;
            let quantile = asked.is_exponential().then(|| queue.wait_quantile(0.99));
            json!({
                "servers": queue.servers(),
                "utilisation": queue.utilisation(),
                "wait_seconds": row.wait(),
                "wait_p99_seconds": quantile,
                "response_seconds": row.response(),
                "waiting": row.depth(),
            })
        };
        let load = |row: &Mgc| {
            json!({
                "utilisation": row.exponential.utilisation(),
                "arrival_per_second": row.exponential.arrival(),
                "wait_seconds": row.wait(),
                "response_seconds": row.response(),
                "waiting": row.depth(),
            })
        };
        let mut out = of(chosen);
        let more = json!({
            "arrival_per_second": asked.arrival,
            "service_seconds": asked.service,
            "cv": asked.cv,
            "busy": asked.arrival * asked.service,
            "servers_least": least,
            "servers_for_target": enough,
            "target_wait_seconds": asked.target,
            "by_servers": by_servers.iter().map(of).collect::<Vec<_>>(),
            "by_utilisation": by_load.iter().map(load).collect::<Vec<_>>(),
            "formula": if asked.is_exponential() { EXPONENTIAL } else { GENERAL },
            "source": if asked.is_exponential() { EXPONENTIAL_SOURCE } else { GENERAL_SOURCE },
        });
        if let (Value::Object(out), Value::Object(more)) = (&mut out, more) {
            out.extend(more);
        }
        out
    }
}

fn cells(row: &Mgc, with_quantile: bool, chosen: u32) -> Vec<String> {
    let queue = &row.exponential;
    let mark = if queue.servers() == chosen { "> " } else { "" };
    let mut cells = vec![format!("{mark}{}", queue.servers()), filled(queue.utilisation()), time(row.wait())];
    if with_quantile {
        cells.push(time(queue.wait_quantile(0.99)));
    }
    cells.extend([time(row.response()), number(row.depth())]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arrival: f64, service: f64, cv: f64, target: f64) -> Asked {
        Asked { arrival, service, cv, target }
    }

    #[test]
    fn a_thousand_a_second_of_a_tenth_take_a_hundred_and_one() {
        let of = asked(1_000.0, 0.1, 1.0, 0.05);
        assert_eq!(least(&of).unwrap(), 101);
        assert_eq!(enough(&of).unwrap(), 102);
        let said = impossible(&of, 1, 101, 102).to_string();
        assert!(
            said.starts_with("1 server is impossible") && said.contains("101") && said.contains("102"),
            "{said}"
        );
    }

    #[test]
    fn less_variation_takes_fewer_servers_and_more_takes_more() {
        let servers = |cv| enough(&asked(1_000.0, 0.1, cv, 0.005)).unwrap();
        assert!(servers(0.0) < servers(1.0) && servers(1.0) < servers(3.0));
        for cv in [0.0, 0.5, 1.0, 2.0] {
            let of = asked(1_000.0, 0.1, cv, 0.005);
            let c = enough(&of).unwrap();
            assert!(of.with(c).unwrap().wait() <= 0.005 && of.with(c - 1).unwrap().wait() > 0.005, "{cv}");
        }
    }

    /// The table of loads had the waits of exponential service times, whatever was asked.
    #[test]
    fn other_loads_have_the_variation_that_was_asked_about() {
        let of = asked(8.0, 0.1, 2.0, 0.05);
        let chosen = of.with(1).unwrap();
        let same =
            of.loads(1).unwrap().into_iter().find(|row| (row.exponential.utilisation() - 0.8).abs() < 1e-9);
        assert!((same.unwrap().wait() - chosen.wait()).abs() < 1e-9 && (chosen.wait() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_server_is_one() {
        assert!(
            impossible(&asked(10.0, 0.1, 1.0, 0.1), 1, 2, 3).to_string().contains("each keep 1 server busy")
        );
    }

    #[test]
    fn the_table_shows_what_was_asked_for_and_nothing_impossible() {
        assert_eq!(around(106, 101, 104).collect::<Vec<_>>(), [101, 103, 104, 105, 106, 107, 108, 109]);
        assert_eq!(around(1, 1, 2).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
