//! What comes out, against what a few lines compute; the same bytes whatever the splits, workers and memory.

use crate::place::{Place, counts, text, whole};
use divvy_mapreduce::Error;
use divvy_mapreduce::input::Framing;
use divvy_mapreduce::table::Max;
use divvy_mapreduce::typed::{Emit, Job, MapReduce, Summary};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Workers, bytes of a split, bytes of memory.
const WAYS: [(u32, u64, u64); 5] = [
    (1, 1 << 20, 64 << 20),
    (2, 1_000, 10 << 20),
    (4, 20_000, 64 << 20),
    (3, 7_777, 15 << 20),
    (2, 333, 64 << 20),
];

/// Runs a job each way, and gives the output, which is the same each time.
fn each_way(place: &Place, job: impl Fn() -> Job) -> (String, Summary) {
    let mut all = WAYS.iter().enumerate().map(|(way, (workers, split, memory))| {
        let dir = place.path(&format!("way-{way}"));
        let done = job().workers(*workers).split(*split).memory(*memory).run(&dir).unwrap();
        (whole(&done.output), done)
    });
    let first = all.next().unwrap();
    for (way, (bytes, done)) in all.enumerate() {
        assert!(bytes == first.0, "way {}", way + 1);
        assert_eq!(done.counter("input records"), first.1.counter("input records"));
    }
    first
}

fn words(line: &str, out: &mut Emit<'_, String, u64>) {
    line.split_ascii_whitespace().for_each(|word| out.emit(word, 1));
}

#[test]
fn words_are_counted_the_same_each_way() {
    let text = text(20_000, 1);
    let expected: String = counts(&text).iter().map(|(word, n)| format!("{word}\t{n}\n")).collect();
    type Finish = fn(MapReduce) -> Job;
    let ways: [(&str, Finish); 3] = [
        ("by a function", |job| {
            job.map(words)
                .combine(|a, b| *a += b)
                .parts(5)
                .reduce(|word, n, out| out.line(format_args!("{word}\t{n}")))
        }),
        ("by the type", |job| {
            job.map(words).combined().parts(5).reduce(|word, n, out| out.line(format_args!("{word}\t{n}")))
        }),
        ("not at all", |job| {
            job.map(words)
                .parts(5)
                .reduce(|word, ones, out| out.line(format_args!("{word}\t{}", ones.sum::<u64>())))
        }),
    ];
    for (name, finish) in ways {
        let place = Place::new();
        let input = place.write("in.txt", &text);
        let (bytes, done) = each_way(&place, || finish(MapReduce::new("words").inputs([&input])));
        assert!(bytes == expected, "{name}");
        assert_eq!(done.counter("keys"), counts(&text).len() as u64);
        assert_eq!(done.counter("input records"), text.lines().count() as u64);
        assert!(done.parts().unwrap().len() > 1, "{name}");
    }
}

#[test]
fn values_come_in_the_order_of_the_inputs() {
    let place = Place::new();
    let lines: Vec<String> = (0..5_000).map(|n| format!("{} {n}", n * 7919 % 13)).collect();
    let files =
        [place.write("1.txt", lines[..3_000].join("\n")), place.write("2.txt", lines[3_000..].join("\n"))];
    let mut expected = BTreeMap::<&str, Vec<&str>>::new();
    for (key, value) in lines.iter().map(|line| line.split_once(' ').unwrap()) {
        expected.entry(key).or_default().push(value);
    }
    let expected: String =
        expected.iter().map(|(key, values)| format!("{key}: {}\n", values.join(","))).collect();
    let (bytes, _) = each_way(&place, || {
        MapReduce::new("order")
            .inputs(&files)
            .map(|line: &str, out: &mut Emit<String, String>| {
                let (key, value) = line.split_once(' ').ok_or("no key")?;
                out.emit(key, value);
                Ok::<_, &str>(())
            })
            .reduce(|key, values, out| {
                out.line(format_args!("{key}: {}", values.collect::<Vec<_>>().join(",")));
            })
    });
    assert!(bytes == expected);
}

#[test]
fn keys_of_any_type_are_in_their_order() {
    let place = Place::new();
    let numbers: Vec<i64> = (0..3_000i64).map(|n| (n * 7919 % 1009 - 500) * (n % 7) * 1_000_003).collect();
    let input = place.write("in.txt", numbers.iter().map(|n| format!("{n}\n")).collect::<String>());
    let mut expected: Vec<(Reverse<bool>, i64)> =
        numbers.iter().map(|n| (Reverse(*n % 2 == 0), *n)).collect();
    expected.sort();
    expected.dedup();
    let expected: String = expected.iter().map(|(Reverse(even), n)| format!("{even} {n}\n")).collect();
    let (bytes, _) = each_way(&place, || {
        MapReduce::new("order")
            .inputs([&input])
            .map(|line: &str, out: &mut Emit<(Reverse<bool>, i64), ()>| {
                let n: i64 = line.parse()?;
                out.emit((Reverse(n % 2 == 0), n), ());
                Ok::<_, std::num::ParseIntError>(())
            })
            .combined()
            .parts(4)
            .reduce(|(Reverse(even), n), (), out| out.line(format_args!("{even} {n}")))
    });
    assert!(bytes == expected);
}

#[test]
fn stages_hand_on_typed_pairs() {
    let text = text(10_000, 2);
    let counts = counts(&text);
    let mut by_count: Vec<_> = counts.iter().map(|(word, n)| (Reverse(*n), *word)).collect();
    by_count.sort();
    let mut expected = String::new();
    let mut sizes = BTreeMap::<u64, u64>::new();
    for (Reverse(n), word) in by_count {
        *sizes.entry(n).or_default() += 1;
        expected += &format!("{n} {word}\n");
    }
    let place = Place::new();
    let input = place.write("in.txt", &text);
    let (bytes, done) = each_way(&place, || {
        MapReduce::new("by count")
            .inputs([&input])
            .map(words)
            .combined()
            .parts(3)
            .reduce_to(|word, n, out: &mut Emit<Reverse<u64>, String>| out.emit(Reverse(n), word))
            .map(|n, word, out: &mut Emit<(Reverse<u64>, String), ()>| out.emit((n, word), ()))
            .parts(2)
            .reduce_to(|(Reverse(n), word), _, out: &mut Emit<u64, String>| out.emit(n, word))
            .map_only(|n, word, out| out.line(format_args!("{n} {word}")))
    });
    assert!(bytes == expected);
    assert_eq!(done.stages.len(), 3);
    assert_eq!(done.stages[1].counters["input records"], counts.len() as u64);
    // Nothing is left of what was between them.
    assert!(!place.path("way-0/between-0").exists() && !place.path("way-0/stage-2").exists());
}

#[test]
fn pairs_of_any_bytes_pass_between_stages() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..=255u8).flat_map(|a| [a, a.wrapping_mul(7), b'\n', 0x1b]).collect();
    let input = place.write("in.bin", &bytes);
    let job = MapReduce::new("bytes")
        .inputs([&input])
        .records(Framing::Fixed(2.try_into().unwrap()))
        .map(|pair: &[u8], out: &mut Emit<Vec<u8>, Vec<u8>>| out.emit(pair, &pair[1..]))
        .reduce_to(|key, values, out: &mut Emit<Vec<u8>, Vec<u8>>| {
            values.for_each(|value| out.emit(&key, value))
        })
        .map(|key, value, out: &mut Emit<Vec<u8>, (Vec<u8>, u64)>| out.emit(&key, (value, 1)))
        .reduce(|key, values, out| {
            values.for_each(|(value, _)| {
                assert_eq!(value, key[1..]);
                out.write([&key[..], &value].concat());
            })
        });
    let done = job.run(place.path("work")).unwrap();
    let mut expected: Vec<&[u8]> = bytes.chunks(2).collect();
    expected.sort();
    let expected: Vec<u8> = expected.iter().flat_map(|pair| [pair[0], pair[1], pair[1]]).collect();
    assert!(std::fs::read(&done.parts().unwrap()[0]).unwrap() == expected);
}

#[test]
fn map_only_keeps_the_order_and_writes_several_outputs() {
    let place = Place::new();
    let text = text(5_000, 3);
    let input = place.write("in.txt", &text);
    let long = |line: &&str| line.len() > 60;
    let lines = |of: &dyn Fn(&&str) -> bool| -> String {
        text.lines().filter(of).map(|line| format!("{line}\n")).collect()
    };
    let (bytes, done) = each_way(&place, || {
        MapReduce::new("lines")
            .inputs([&input])
            .map_only(|line: &str, out| {
                if line.len() > 60 {
                    out.to("long").line(line);
                    out.count("long lines", 1);
                } else {
                    out.line(line);
                }
            })
            .outputs(["long", "never"])
    });
    assert!(bytes == lines(&|line| !long(line)));
    for way in 0..WAYS.len() {
        let output = place.path(&format!("way-{way}/output"));
        assert!(whole(&output.join("long")) == lines(&long));
        assert_eq!(whole(&output.join("never")), "");
    }
    assert_eq!(done.counter("long lines"), text.lines().filter(long).count() as u64);
    assert_eq!(done.counter("output bytes"), text.len() as u64 + u64::from(!text.ends_with('\n')));
}

#[test]
fn reduce_writes_several_outputs_and_counts() {
    let place = Place::new();
    let text = text(10_000, 4);
    let counts = counts(&text);
    let input = place.write("in.txt", &text);
    let (bytes, done) = each_way(&place, || {
        MapReduce::new("seldom")
            .inputs([&input])
            .map(words)
            .combined()
            .parts(4)
            .reduce(|word, n, out| {
                let name = if n < 3 { "seldom" } else { "often" };
                out.to(name).line(&word);
                out.count(name, 1);
                out.line(format_args!("{n}"));
            })
            .outputs(["seldom", "often"])
    });
    assert_eq!(bytes, counts.values().map(|n| format!("{n}\n")).collect::<String>());
    let seldom: Vec<_> = counts.iter().filter(|(_, n)| **n < 3).map(|(word, _)| *word).collect();
    assert_eq!(whole(&done.output.join("seldom")).lines().collect::<Vec<_>>(), seldom);
    assert_eq!(done.counter("seldom"), seldom.len() as u64);
    assert_eq!(done.counter("often"), (counts.len() - seldom.len()) as u64);
}

#[test]
fn parts_may_be_by_hash_or_by_a_function() {
    let place = Place::new();
    let text = text(10_000, 5);
    let input = place.write("in.txt", &text);
    let job = || MapReduce::new("parts").inputs([&input]).map(words).combined();
    let finish = |word: String, n: u64, out: &mut divvy_mapreduce::typed::Out<'_>| {
        out.line(format_args!("{word}\t{n}"))
    };
    let parts = |done: &Summary| -> Vec<Vec<String>> {
        let read = |part| std::fs::read_to_string(part).unwrap().lines().map(str::to_owned).collect();
        done.parts().unwrap().iter().map(read).collect()
    };
    let expected: BTreeSet<String> = counts(&text).iter().map(|(word, n)| format!("{word}\t{n}")).collect();
    let hashed = job().hashed(7).reduce(finish).run(place.path("hashed")).unwrap();
    let hashed = parts(&hashed);
    assert_eq!(hashed.len(), 7);
    assert!(hashed.iter().all(|part| part.is_sorted() && part.len() > 50), "about equal, and in order");
    assert_eq!(hashed.into_iter().flatten().collect::<BTreeSet<_>>(), expected);
    let own = job().partition(3, |word| word.len() as u32).reduce(finish).run(place.path("own")).unwrap();
    for (number, part) in parts(&own).into_iter().enumerate() {
        assert!(part.is_sorted() && !part.is_empty());
        assert!(part.iter().all(|line| line.split('\t').next().unwrap().len() % 3 == number));
    }
}

#[test]
fn most_records_of_one_key_are_no_burden() {
    let place = Place::new();
    let line = |n: u64| if n.is_multiple_of(10) { format!("{n} 1\n") } else { "most 1\n".to_owned() };
    let records = 200_000;
    let input = place.write("in.txt", (0..records).map(line).collect::<String>());
    let map = |line: &str, out: &mut Emit<'_, String, u64>| {
        let (key, n) = line.split_once(' ').unwrap();
        out.emit(key, n.parse::<u64>().unwrap());
    };
    let job = || MapReduce::new("skew").inputs([&input]).map(map);
    let finish =
        |key: String, n: u64, out: &mut divvy_mapreduce::typed::Out<'_>| out.line(format_args!("{key}\t{n}"));
    let jobs =
        [job().combine(|a, b| *a += b).parts(4).reduce(finish), job().combined().parts(4).reduce(finish)];
    for (number, job) in jobs.into_iter().enumerate() {
        let done = job.workers(2).split(100_000).run(place.path(&format!("{number}"))).unwrap();
        assert!(whole(&done.output).contains("most\t180000\n"));
        // What is written between map and reduce are the twenty thousand other keys: the one key is a record or two a run.
        let spilled = done.counter("spilled bytes");
        assert!(spilled < 25 * records / 10, "{spilled} bytes for {records} records");
        let sizes: Vec<u64> =
            done.parts().unwrap().iter().map(|part| part.metadata().unwrap().len()).collect();
        let mean = sizes.iter().sum::<u64>() / sizes.len() as u64;
        assert!(sizes.len() == 4 && sizes.iter().all(|size| *size < 2 * mean), "{sizes:?}");
    }
}

#[test]
fn bad_records_are_passed_over_and_listed() {
    let place = Place::new();
    let mut lines: Vec<String> = (0..4_000).map(|n| n.to_string()).collect();
    (lines[17], lines[2_500], lines[3_999]) = ("seventeen".into(), "panic".into(), "x".repeat(50));
    let input = place.write("in.txt", lines.join("\n"));
    let job = || {
        MapReduce::new("sum")
            .inputs([&input])
            .map(|line: &str, out: &mut Emit<(), u64>| {
                // Some of it was given before it fails.
                out.emit((), 1_000_000);
                out.count("seen", 1);
                assert_ne!(line, "panic", "as it was told to");
                out.emit((), line.parse::<u64>()?);
                Ok::<_, std::num::ParseIntError>(())
            })
            .combined()
            .reduce(|(), sum, out| out.line(sum))
            .skip_bad(3)
    };
    let expected = 3_997 * 1_000_000 + (0..3_999).sum::<u64>() - 17 - 2_500;
    let (bytes, done) = each_way(&place, job);
    assert_eq!(bytes, format!("{expected}\n"));
    assert_eq!(done.counter("seen"), 3_997);
    let at = |nth: usize| lines[..nth].iter().map(|line| line.len() as u64 + 1).sum::<u64>();
    let skipped: Vec<_> = done.skipped().map(|bad| (bad.at, bad.bytes)).collect();
    assert_eq!(skipped, [(at(17), 9), (at(2_500), 5), (at(3_999), 50)]);
    assert!(done.skipped().all(|bad| bad.file == input));
    let told: Vec<_> = done.skipped().map(|bad| &*bad.error).collect();
    assert!(
        told[0].contains("invalid digit")
            && told[1].contains("panicked")
            && told[1].contains("as it was told to")
    );
    let refused = job().skip_bad(2).run(place.path("refused")).unwrap_err();
    assert!(matches!(&refused, Error::Failed { why } if why.contains("2 records fail")), "{refused}");
}

#[test]
fn a_job_that_failed_begins_its_stage_anew() {
    let place = Place::new();
    let input = place.write("in.txt", text(2_000, 6));
    let mended = Arc::new(AtomicBool::new(false));
    let job = |mended: Arc<AtomicBool>| {
        MapReduce::new("mended").inputs([&input]).map(words).parts(2).reduce(move |word, ones, out| {
            if word == "w7" && !mended.load(Ordering::Relaxed) {
                return Err("not yet");
            }
            out.line(format_args!("{word}\t{}", ones.sum::<u64>()));
            Ok(())
        })
    };
    let failed = job(mended.clone()).run(place.path("work")).unwrap_err();
    assert!(matches!(&failed, Error::Failed { why } if why.contains("\"w7\": not yet")), "{failed}");
    mended.store(true, Ordering::Relaxed);
    let done = job(mended.clone()).run(place.path("work")).unwrap();
    // Done is done: its functions are not called again, and its summary is the same.
    mended.store(false, Ordering::Relaxed);
    assert_eq!(job(mended).run(place.path("work")).unwrap(), done);
}

#[test]
fn a_directory_belongs_to_one_job_and_an_output_to_nobody_else() {
    let place = Place::new();
    let input = place.write("in.txt", "a b\n");
    let job = |name: &str| {
        MapReduce::new(name).inputs([&input]).map(words).combined().reduce(|word, _, out| out.line(word))
    };
    job("one").run(place.path("work")).unwrap();
    let other = job("two").run(place.path("work")).unwrap_err().to_string();
    assert!(other.contains("belongs to the job `one`"), "{other}");
    let taken =
        job("two").output(place.path("work/output")).run(place.path("other")).unwrap_err().to_string();
    assert!(taken.contains("is there already"), "{taken}");
    let none = MapReduce::new("none").inputs([place.path("none")]).map_only(|line: &str, out| out.line(line));
    assert!(matches!(none.run(place.path("none-work")), Err(Error::NoInput { .. })));
    for name in ["", "a/b", "part-1", "_x", ".x"] {
        let named = job("named").outputs([name]).run(place.path("named")).unwrap_err().to_string();
        assert!(named.contains("can be named"), "{named}");
    }
    let small = job("small").memory(1 << 20).run(place.path("small")).unwrap_err().to_string();
    assert!(small.contains("MiB of memory at least"), "{small}");
}

#[test]
fn groups_and_records_may_be_larger_than_memory() {
    let place = Place::new();
    // 24 MB of one key, and 8 MB for the worker.
    let input = place.write("in.txt", (0..240_000).map(|n| format!("{n:0100}\n")).collect::<String>());
    let job = MapReduce::new("group")
        .inputs([&input])
        .map(|line: &[u8], out: &mut Emit<(), Vec<u8>>| out.emit((), line))
        .reduce(|(), values, out| {
            let mut next = 0u64;
            for value in values {
                assert_eq!(std::str::from_utf8(&value).unwrap().parse(), Ok(next));
                next += 1;
            }
            out.line(next);
        });
    let done = job.memory(8 << 20).workers(1).run(place.path("work")).unwrap();
    assert_eq!(whole(&done.output), "240000\n");
}

#[test]
fn a_job_that_the_disk_was_too_small_for_goes_on_with_more() {
    let place = Place::new();
    let input =
        place.write("in.txt", (0..100_000).map(|n| format!("{}\n", n * 7919 % 99_991)).collect::<String>());
    let job = || {
        MapReduce::new("disk")
            .inputs([&input])
            .map(|line: &str, out: &mut Emit<u64, ()>| {
                out.emit(line.parse::<u64>()?, ());
                Ok::<_, std::num::ParseIntError>(())
            })
            .reduce(|n, all, out| all.for_each(|()| out.line(n)))
            .workers(2)
    };
    let full = job().disk(20_000).run(place.path("work")).unwrap_err();
    assert!(
        !matches!(full, Error::Failed { .. }) && full.to_string().contains("limit of 20000 bytes"),
        "{full}"
    );
    let done = job().run(place.path("work")).unwrap();
    assert_eq!(done.counter("input records"), 100_000);
    assert!(whole(&done.output).lines().map(|line| line.parse::<u64>().unwrap()).is_sorted());
}

#[test]
fn nothing_comes_of_nothing() {
    let place = Place::new();
    let input = place.write("empty", "");
    let job = MapReduce::new("nothing")
        .inputs([&input])
        .map(|word: &str, out: &mut Emit<String, Max<u64>>| out.emit(word, Max(word.len() as u64)))
        .combined()
        .reduce_to(|word, Max(n), out: &mut Emit<u64, String>| out.emit(n, word))
        .map_only(|n, word, out| out.line(format_args!("{n}{word}")));
    let done = job.run(place.path("work")).unwrap();
    assert_eq!(whole(&done.output), "");
}
