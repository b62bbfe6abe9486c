//! How a program is put together: inputs, then stages of `map` and `reduce`, then a [`Job`].

use super::datum::{Datum, decode};
use super::emit::{Emit, Out, Values};
use super::job::Job;
use super::pairs::{PairLines, parse};
use super::record::{Outcome, Record};
use super::stage::{Does, Hold, MapFn, PartFn, Partition, ReduceFn, Stage, make_table};
use crate::input::Framing;
use crate::table::Combine;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

/// The beginning of a program: a name, and what is read.
#[derive(Debug)]
#[must_use = "a program does nothing until it is run"]
pub struct MapReduce {
    name: String,
    inputs: Vec<PathBuf>,
    framing: Framing,
}

impl MapReduce {
    /// A program of this name, for people.
    pub fn new(name: impl Into<String>) -> MapReduce {
        MapReduce { name: name.into(), inputs: Vec::new(), framing: Framing::Lines }
    }

    /// What is read: files, directories, and patterns such as `logs/*.gz`. What is packed by gzip or zstd is unpacked.
    pub fn inputs<P: Into<PathBuf>>(mut self, inputs: impl IntoIterator<Item = P>) -> MapReduce {
        self.inputs.extend(inputs.into_iter().map(Into::into));
        self
    }

    /// How it is cut into records. Lines unless set.
    pub fn records(self, framing: Framing) -> MapReduce {
        MapReduce { framing, ..self }
    }

    /// Maps each record to pairs of keys and values. Records are `&str` or `&[u8]`, as the function takes them.
    ///
    /// A panic or an error fails the job, unless [`skip_bad`](Job::skip_bad) lets it pass over the record. The function is
    /// called again for records whose pairs were lost in a crash, and for some of them before the job begins, to see which
    /// keys there are.
    pub fn map<R, K, V, T, F>(self, function: F) -> Mapped<K, V>
    where
        R: Record + ?Sized,
        K: Datum,
        V: Datum,
        T: Outcome,
        F: Fn(&R, &mut Emit<'_, K, V>) -> T + Send + Sync + 'static,
    {
        let map: Arc<MapFn> = Arc::new(move |record, to, scratch| {
            function(R::of(record)?, &mut Emit::new(to, scratch)).into_result()
        });
        Mapped::new(self.chain(), map)
    }

    /// Maps each record to output, which is in the order of the inputs. There is nothing to reduce.
    ///
    /// Failures are as with [`map`](MapReduce::map).
    pub fn map_only<R, T, F>(self, function: F) -> Job
    where
        R: Record + ?Sized,
        T: Outcome,
        F: Fn(&R, &mut Out<'_>) -> T + Send + Sync + 'static,
    {
        let does = Does::Map(Arc::new(move |record, to, names, scratch| {
            function(R::of(record)?, &mut Out::new(to, names, scratch)).into_result()
        }));
        Job::new(self.chain().and(Stage { does, parts: None, names: Vec::new() }))
    }

    fn chain(self) -> Chain {
        let MapReduce { name, inputs, framing } = self;
        Chain { name, inputs, framing, stages: Vec::new() }
    }
}

/// A program without the types of its stages.
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) inputs: Vec<PathBuf>,
    pub(super) framing: Framing,
    pub(super) stages: Vec<Stage>,
}

impl Chain {
    fn and(mut self, stage: Stage) -> Chain {
        self.stages.push(stage);
        self
    }
}

/// `reduce` sees every value of a key.
#[derive(Debug)]
pub struct Each(());

/// `reduce` sees one value of each key: what [`combine`](Mapped::combine) makes of all.
pub struct Combined<V> {
    hold: Hold,
    combine: Arc<TypedCombineFn<V>>,
}

type TypedCombineFn<V> = dyn Fn(&mut V, V) + Send + Sync;

/// A stage that maps to pairs of these keys and values.
#[must_use = "a program does nothing until it is run"]
pub struct Mapped<K, V, C = Each> {
    chain: Chain,
    map: Arc<MapFn>,
    partition: Partition,
    parts: Option<u32>,
    combined: C,
    types: PhantomData<fn(K, V)>,
}

impl<K, V, C> Mapped<K, V, C> {
    /// How many parts the output has, at most. Unless set, one for each 64 MiB of the inputs if values are combined, else
    /// one for what fits into a worker's memory.
    ///
    /// The parts are ranges of keys, about equal by a look at some places of the inputs: one after the other, all keys are in
    /// order. There may be fewer of them where few keys are seen.
    pub fn parts(self, most: u32) -> Self {
        Mapped { parts: Some(most.max(1)), ..self }
    }

    /// Exactly so many parts, each of them in the order of its keys: a key is in the part that the function says, by modulo.
    pub fn partition<F>(self, parts: u32, function: F) -> Self
    where
        K: Datum,
        F: Fn(&K) -> u32 + Send + Sync + 'static,
    {
        self.by(parts, Arc::new(move |key| function(&decode(key).expect("a key takes back what it has put"))))
    }

    /// Exactly so many parts, by a hash of the key that is the same everywhere and always.
    pub fn hashed(self, parts: u32) -> Self {
        self.by(parts, Arc::new(crc32fast::hash))
    }

    fn by(self, parts: u32, function: Arc<PartFn>) -> Self {
        Mapped { partition: Partition::By(parts.max(1), function), ..self }
    }

    fn with<D>(self, combined: D) -> Mapped<K, V, D> {
        let Mapped { chain, map, partition, parts, types, .. } = self;
        Mapped { chain, map, partition, parts, combined, types }
    }

    fn grouped(self, hold: Hold, reduce: Arc<ReduceFn>) -> Chain {
        let does = Does::Group { map: self.map, hold, partition: self.partition, reduce };
        self.chain.and(Stage { does, parts: self.parts, names: Vec::new() })
    }
}

impl<K: Datum, V: Datum> Mapped<K, V> {
    fn new(chain: Chain, map: Arc<MapFn>) -> Mapped<K, V> {
        let partition = Partition::Ranges;
        Mapped { chain, map, partition, parts: None, combined: Each(()), types: PhantomData }
    }

    /// Makes one value of two, wherever two of a key meet, so that `reduce` gets one for each key.
    ///
    /// The function has to be exactly associative and commutative, or the output depends on how work was divided: sums of
    /// integers, maxima, unions; of floats no sums.
    pub fn combine(self, function: impl Fn(&mut V, V) + Send + Sync + 'static) -> Mapped<K, V, Combined<V>> {
        let combine = Arc::new(function);
        let typed = combine.clone();
        let hold = Hold::Combined(Arc::new(move |folded, value| {
            let wrong = || "a value does not take back what it has put".to_owned();
            let mut one = decode::<V>(folded).ok_or_else(wrong)?;
            typed(&mut one, decode(value).ok_or_else(wrong)?);
            folded.clear();
            one.put(folded, true);
            Ok(())
        }));
        self.with(Combined { hold, combine })
    }

    /// Combines values as their type does, in memory as they come: sums for `u64` and `i64`, and
    /// [`Min`](crate::table::Min), [`Max`](crate::table::Max), `()`, or a small type of your own.
    pub fn combined(self) -> Mapped<K, V, Combined<V>>
    where
        V: Combine + Send,
    {
        self.with(Combined {
            hold: Hold::Table(make_table::<V>),
            combine: Arc::new(|one, other| one.combine(other)),
        })
    }

    /// Makes output of each key and its values, key after key.
    ///
    /// Parts of the output are made by several workers at a time. A panic or an error fails the job: without a key and all
    /// its values the output would be another.
    pub fn reduce<T, F>(self, function: F) -> Job
    where
        T: Outcome,
        F: Fn(K, &mut Values<'_, V>, &mut Out<'_>) -> T + Send + Sync + 'static,
    {
        let reduce: Arc<ReduceFn> = Arc::new(move |key, from, to, names, scratch| {
            function(own(key)?, &mut Values::new(from), &mut Out::new(to, names, scratch)).into_result()
        });
        Job::new(self.grouped(Hold::All, reduce))
    }

    /// Makes pairs of each key and its values, for another stage.
    pub fn reduce_to<K2, V2, T, F>(self, function: F) -> Pairs<K2, V2>
    where
        K2: Datum,
        V2: Datum,
        T: Outcome,
        F: Fn(K, &mut Values<'_, V>, &mut Emit<'_, K2, V2>) -> T + Send + Sync + 'static,
    {
        let reduce: Arc<ReduceFn> = Arc::new(move |key, from, to, _, scratch| {
            scratch.with_line(|line, scratch| {
                let (key, mut lines) = (own(key)?, PairLines { to, line });
                function(key, &mut Values::new(from), &mut Emit::new(&mut lines, scratch)).into_result()
            })
        });
        Pairs { chain: self.grouped(Hold::All, reduce), types: PhantomData }
    }
}

impl<K: Datum, V: Datum> Mapped<K, V, Combined<V>> {
    /// Makes output of each key and its value, key after key. Failures are as without `combine`.
    pub fn reduce<T, F>(self, function: F) -> Job
    where
        T: Outcome,
        F: Fn(K, V, &mut Out<'_>) -> T + Send + Sync + 'static,
    {
        let (hold, combine) = (self.combined.hold.clone(), self.combined.combine.clone());
        let reduce: Arc<ReduceFn> = Arc::new(move |key, from, to, names, scratch| {
            let Some(value) = all_of(from, &*combine) else { return Ok(()) };
            function(own(key)?, value, &mut Out::new(to, names, scratch)).into_result()
        });
        Job::new(self.grouped(hold, reduce))
    }

    /// Makes pairs of each key and its value, for another stage.
    pub fn reduce_to<K2, V2, T, F>(self, function: F) -> Pairs<K2, V2>
    where
        K2: Datum,
        V2: Datum,
        T: Outcome,
        F: Fn(K, V, &mut Emit<'_, K2, V2>) -> T + Send + Sync + 'static,
    {
        let (hold, combine) = (self.combined.hold.clone(), self.combined.combine.clone());
        let reduce: Arc<ReduceFn> = Arc::new(move |key, from, to, _, scratch| {
            let Some(value) = all_of(from, &*combine) else { return Ok(()) };
            scratch.with_line(|line, scratch| {
                let (key, mut lines) = (own(key)?, PairLines { to, line });
                function(key, value, &mut Emit::new(&mut lines, scratch)).into_result()
            })
        });
        Pairs { chain: self.grouped(hold, reduce), types: PhantomData }
    }
}

fn own<K: Datum>(key: &[u8]) -> Result<K, String> {
    decode(key).ok_or_else(|| "the key does not take back what it has put".to_owned())
}

/// All values as one; `None` if they could not all be read.
fn all_of<V: Datum>(from: &mut dyn super::emit::Source, combine: &dyn Fn(&mut V, V)) -> Option<V> {
    let mut values = Values::<V>::new(from);
    let mut all = values.next()?;
    values.for_each(|value| combine(&mut all, value));
    (!from.is_broken()).then_some(all)
}

/// What one stage has made, for the next.
#[must_use = "a program does nothing until it is run"]
pub struct Pairs<K, V> {
    chain: Chain,
    types: PhantomData<fn(K, V)>,
}

impl<K: Datum, V: Datum> Pairs<K, V> {
    /// Maps each pair to other pairs. The same as [`MapReduce::map`] but for what it is given.
    pub fn map<K2, V2, T, F>(self, function: F) -> Mapped<K2, V2>
    where
        K2: Datum,
        V2: Datum,
        T: Outcome,
        F: Fn(K, V, &mut Emit<'_, K2, V2>) -> T + Send + Sync + 'static,
    {
        let map: Arc<MapFn> = Arc::new(move |line, to, scratch| {
            let (key, value) = pair::<K, V>(line, &mut scratch.line)?;
            function(key, value, &mut Emit::new(to, scratch)).into_result()
        });
        Mapped::new(self.chain, map)
    }

    /// Maps each pair to output, in the order that the pairs have: that of the keys of the stage before.
    pub fn map_only<T, F>(self, function: F) -> Job
    where
        T: Outcome,
        F: Fn(K, V, &mut Out<'_>) -> T + Send + Sync + 'static,
    {
        let does = Does::Map(Arc::new(move |line, to, names, scratch| {
            let (key, value) = pair::<K, V>(line, &mut scratch.line)?;
            function(key, value, &mut Out::new(to, names, scratch)).into_result()
        }));
        Job::new(self.chain.and(Stage { does, parts: None, names: Vec::new() }))
    }
}

fn pair<K: Datum, V: Datum>(line: &[u8], buf: &mut Vec<u8>) -> Result<(K, V), String> {
    let taken = parse(line, buf).and_then(|(key, value)| Some((decode(key)?, decode(value)?)));
    taken.ok_or_else(|| "a pair does not take back what it has put".to_owned())
}
