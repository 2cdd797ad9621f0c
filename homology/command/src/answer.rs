//! The answer as JSON.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use homology::{Cost, Diagram, Representative};
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::measure::Measured;

/// `[birth, death]` per class, one list per dimension. JSON has no infinity: serde_json writes `null`.
pub type Diagrams = Vec<Vec<[f64; 2]>>;

/// The dimensions `0..dimensions` of a diagram.
pub fn diagrams(diagram: &Diagram, dimensions: usize) -> Diagrams {
    let of_dimension = |dimension| diagram.of_dimension(dimension).iter();
    (0..dimensions)
        .map(|dimension| {
            of_dimension(dimension as u8)
                .map(|pair| [pair.birth, pair.death])
                .collect()
        })
        .collect()
}

/// One cycle per class, one list per dimension.
pub type Cycles = Vec<Vec<Cycle>>;

#[derive(Debug, Serialize)]
pub struct Cycle {
    birth: f64,
    death: f64,
    cycle: Vec<Vec<u32>>,
    /// One per simplex; over Z/2 all of them are 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    coefficients: Option<Vec<u16>>,
}

/// The cycles of the dimensions `0..dimensions`, over the field of `modulus` elements.
pub fn cycles(representatives: Vec<Representative>, dimensions: usize, modulus: u16) -> Cycles {
    let mut cycles: Cycles = (0..dimensions).map(|_| Vec::new()).collect();
    for Representative { pair, cycle } in representatives {
        let coefficients = cycle.iter().map(|term| term.coefficient);
        cycles[usize::from(pair.dimension)].push(Cycle {
            birth: pair.birth,
            death: pair.death,
            coefficients: (modulus > 2).then(|| coefficients.collect()),
            cycle: cycle.into_iter().map(|term| term.simplex).collect(),
        });
    }
    cycles
}

/// What `--estimate` says.
#[derive(Debug, Serialize)]
pub struct Estimate {
    pub memory_bytes: usize,
    pub typical_memory_bytes: usize,
    pub work: u64,
}

impl From<Cost> for Estimate {
    fn from(cost: Cost) -> Self {
        Self {
            memory_bytes: cost.memory_bytes,
            typical_memory_bytes: cost.typical_memory_bytes,
            work: cost.work,
        }
    }
}

#[derive(Serialize)]
struct Document<'a, A> {
    #[serde(flatten)]
    answer: &'a A,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    measured: &'a [Measured],
}

/// Writes `answer` and a line feed to `output`, where `-` is standard output.
pub fn write(answer: &impl Serialize, measured: &[Measured], output: &Path) -> Result<()> {
    let refuse =
        |error: std::io::Error| Failure::not_done(output.display(), format!("the answer cannot be written: {error}"));
    let document = Document { answer, measured };
    if output == Path::new("-") {
        write_to(std::io::stdout().lock(), &document).map_err(refuse)
    } else {
        File::create(output)
            .and_then(|file| write_to(file, &document))
            .map_err(refuse)
    }
}

fn write_to(target: impl Write, document: &impl Serialize) -> std::io::Result<()> {
    let mut target = BufWriter::new(target);
    serde_json::to_writer(&mut target, document)?;
    target.write_all(b"\n")?;
    target.flush()
}

/// Refuses a target whose folder is not there, before the computation rather than after it.
pub fn check_target(target: &Path) -> Result<()> {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => Err(Failure::input(
            target.display(),
            format!("folder {} is not there; create it first", folder.display()),
        )),
        _ => Ok(()),
    }
}
