//! "Are ten big machines cheaper than a thousand small ones?" The law that was fitted, and what machines cost.

use super::tell::wrapped;
use crate::args::AskArgs;
use crate::exit::bad_usage;
use crate::figures::{number, percent, workers_of};
use crate::lang::Shown;
use crate::table::Table;
use anyhow::Result;
use divvy_model::Curve;
use divvy_model::machines::{Fleet, Machine, equal_power, equal_throughput};
use serde_json::{Value, json};

/// The share of the highest throughput that machines are compared at: the last percents take any number of them.
const NEARLY: f64 = 0.95;
/// Nobody buys more.
const MACHINES_MAX: u32 = 10_000_000;

/// What each kind of machine would do and cost.
pub struct Machines {
    kinds: Vec<Machine>,
    power: f64,
    throughput: f64,
    by_power: Vec<(usize, Fleet)>,
    by_throughput: Vec<(usize, Fleet)>,
}

/// The machines that were named; also looks at what they are to be compared by.
///
/// # Errors
/// Bad usage.
pub fn asked(ask: &AskArgs) -> Result<Vec<Machine>> {
    if let Some(power) = ask.power.filter(|power| !(power.is_finite() && *power > 0.0)) {
        return Err(bad_usage(format!("--power: {power} is no number of machines: above 0, as in 1000")));
    }
    parse(&ask.machine)
}

fn parse(texts: &[String]) -> Result<Vec<Machine>> {
    let machines: Vec<Machine> = texts.iter().map(|text| one(text)).collect::<Result<_>>()?;
    for (place, machine) in machines.iter().enumerate() {
        if machines[..place].iter().any(|other| other.name == machine.name) {
            let name = Shown(machine.name.as_bytes());
            return Err(bad_usage(format!(
                "--machine: {name} is named twice: each kind has a name of its own"
            )));
        }
    }
    Ok(machines)
}

fn one(text: &str) -> Result<Machine> {
    let wrong = |why: &dyn std::fmt::Display| {
        bad_usage(format!(
            "--machine {}: {why}; write NAME=SPEEDx@PRICE, as in big=100x@4: a hundred times as fast as what was \
             measured, for 4 an hour",
            Shown(text.as_bytes())
        ))
    };
    let parts = text.split_once('=').and_then(|(name, rest)| Some((name, rest.split_once('@')?)));
    let Some((name, (speed, price))) = parts else { return Err(wrong(&"the `=` or the `@` is missing")) };
    let of = |what: &str, text: &str| {
        text.trim()
            .parse::<f64>()
            .map_err(|_| wrong(&format!("the {what} {} is no number", Shown(text.as_bytes()))))
    };
    let speed = of("speed", speed.strip_suffix(['x', 'X']).unwrap_or(speed))?;
    let price = of("price", price.strip_prefix('$').unwrap_or(price))?;
    if name.is_empty() {
        return Err(wrong(&"it has no name"));
    }
    Machine::new(name, speed, price).map_err(|error| wrong(&error))
}

impl Machines {
    /// Compares them: at the nominal power of so many of what was measured, and for nearly the most that the law says
    /// of these.
    pub fn compare(kinds: Vec<Machine>, curve: Curve, power: f64, most: f64) -> Machines {
        let throughput = NEARLY * most;
        let by_power = equal_power(curve, &kinds, power);
        let by_throughput = equal_throughput(curve, &kinds, throughput, MACHINES_MAX);
        Machines { kinds, power, throughput, by_power, by_throughput }
    }

    /// For people.
    pub fn text(&self, unit: &str) -> String {
        let mut out = format!("  as much power as {} that were measured:\n\n", workers_of(self.power));
        out += &self.table(&self.by_power, unit);
        for sentence in self.answer() {
            out += &wrapped("  ", &sentence, 2);
        }
        out.push('\n');
        let wanted = format!("{} {unit}", number(self.throughput));
        out +=
            &format!("  for {}, {} of the most that was measured:\n\n", wanted.trim_end(), percent(NEARLY));
        out += &self.table(&self.by_throughput, unit);
        for (place, kind) in self.kinds.iter().enumerate() {
            if !self.by_throughput.iter().any(|(found, _)| *found == place) {
                out += &format!("  no number of {} does so much\n", kind.name);
            }
        }
        out
    }

    fn table(&self, fleets: &[(usize, Fleet)], unit: &str) -> String {
        let throughput = format!("throughput {unit}");
        let mut table = Table::new(&[
            "machines",
            "",
            throughput.trim_end(),
            "if what they share is no faster",
            "cost",
            "cost of 1",
        ])
        .words(&[1]);
        for (place, fleet) in fleets {
            table.line(vec![
                number(f64::from(fleet.n)),
                self.kinds[*place].name.clone(),
                number(fleet.throughput),
                number(fleet.bounded),
                number(fleet.cost),
                number(fleet.unit_cost),
            ]);
        }
        table.text()
    }

    /// Which is cheapest, in a sentence; in two, if it is another where they share something that is no faster.
    fn answer(&self) -> Vec<String> {
        let [first, _, ..] = &self.by_power[..] else {
            return vec!["two kinds or more can be compared".into()];
        };
        let mut said = vec![self.cheapest(&self.by_power, |fleet| fleet.unit_cost)];
        let mut shared = self.by_power.clone();
        shared.sort_by(|a, b| a.1.bounded_unit_cost().total_cmp(&b.1.bounded_unit_cost()));
        if shared[0].0 != first.0 {
            let cheapest = self.cheapest(&shared, Fleet::bounded_unit_cost);
            said.push(format!("if what they share is no faster, {cheapest}"));
        }
        said
    }

    /// The first and the last of some fleets that are in order of a cost.
    fn cheapest(&self, fleets: &[(usize, Fleet)], cost: fn(&Fleet) -> f64) -> String {
        let ((best, cheap), (worst, dear)) = (fleets[0], fleets[fleets.len() - 1]);
        let (are, they) = if cheap.n == 1 { ("is", "it does") } else { ("are", "they do") };
        format!(
            "{} {} {are} cheapest: what {they} costs {} times as much with {} {}",
            number(f64::from(cheap.n)),
            self.kinds[best].name,
            number(cost(&dear) / cost(&cheap)),
            number(f64::from(dear.n)),
            self.kinds[worst].name
        )
    }

    /// For scripts.
    pub fn json(&self) -> Value {
        let fleet = |(place, fleet): &(usize, Fleet)| {
            json!({
                "name": self.kinds[*place].name,
                "n": fleet.n,
                "throughput": fleet.throughput,
                "throughput_if_shared_parts_are_no_faster": fleet.bounded,
                "cost": fleet.cost,
                "unit_cost": fleet.unit_cost,
                "unit_cost_if_shared_parts_are_no_faster": fleet.bounded_unit_cost(),
            })
        };
        json!({
            "power": self.power,
            "equal_power": self.by_power.iter().map(fleet).collect::<Vec<_>>(),
            "throughput": self.throughput,
            "equal_throughput": self.by_throughput.iter().map(fleet).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_model::Usl;

    #[test]
    fn machines_are_read_with_or_without_signs() {
        for text in ["big=100x@4", "big=100@$4", "big=1e2X@4.0"] {
            let machine = one(text).unwrap();
            assert_eq!((machine.name.as_str(), machine.speed, machine.price), ("big", 100.0, 4.0), "{text}");
        }
        for text in [
            "big",
            "big=4",
            "big=x@4",
            "big=1x@y",
            "=1x@1",
            "big=0x@1",
            "big=1x@-1",
            "big=1xx@2",
            "big=1x@$$2",
        ] {
            assert!(one(text).unwrap_err().to_string().contains("NAME=SPEEDx@PRICE"), "{text}");
        }
    }

    #[test]
    fn each_kind_is_named_once() {
        let said = parse(&["a=1x@1".into(), "a=2x@1".into()]).unwrap_err().to_string();
        assert!(said.contains("`a` is named twice"), "{said}");
    }

    #[test]
    fn ten_big_ones_are_cheaper_than_a_thousand_small_ones() {
        let kinds = parse(&["small=1x@0.05".into(), "big=100x@4".into()]).unwrap();
        let curve = Curve::Usl(Usl { alpha: 0.02, beta: 2e-4, lambda: 10.0 });
        let compared = Machines::compare(kinds, curve, 1_000.0, 100.0);
        let said = compared.answer();
        assert!(said.len() == 1 && said[0].starts_with("10 big are cheapest: "), "{said:?}");
        assert_eq!(compared.json()["equal_power"][1]["n"], 1_000);
    }

    #[test]
    fn what_is_shared_may_turn_the_answer() {
        let kinds = parse(&["small=1x@0.05".into(), "big=10x@0.6".into()]).unwrap();
        let curve = Curve::Ceiling { lambda: 10.0, ceiling: 1_000.0 };
        let said = Machines::compare(kinds, curve, 200.0, 900.0).answer();
        let [own, shared] = &said[..] else { panic!("{said:?}") };
        assert!(own.starts_with("20 big are cheapest: "), "{own}");
        assert!(
            shared.contains("no faster, 200 small are cheapest: ") && shared.contains("costs 1.2 times"),
            "{shared}"
        );
    }

    #[test]
    fn one_machine_is_no_many() {
        let kinds = parse(&["small=1x@0.05".into(), "big=100x@4".into()]).unwrap();
        let curve = Curve::Usl(divvy_model::Usl { alpha: 0.02, beta: 2e-4, lambda: 10.0 });
        let said = Machines::compare(kinds, curve, 100.0, 100.0).answer();
        assert!(said[0].starts_with("1 big is cheapest: what it does costs"), "{said:?}");
    }
}
