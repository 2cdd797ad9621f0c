//! What the tests of operators share.

use streaming::job::{Options, Problems, Value};
use streaming::operator::OperatorFactory;
use streaming::testing::{Harness, MemoryState};

/// The options of an operator's table in a job file.
pub fn options(job: &str) -> Options {
    Options::new("operator.name", Value::parse_toml(job).unwrap(), Problems::default())
}

/// An operator that starts on `state`.
pub fn open(factory: &dyn OperatorFactory, job: &str, state: MemoryState) -> Harness {
    let mut options = options(job);
    let operator = factory.build(&mut options).unwrap();
    let problems = options.problems().clone();
    options.finish();
    assert_eq!(problems.take(), []);
    Harness::open(operator, state).unwrap()
}

/// Checks that each table is refused with a message that contains the text beside it.
pub fn assert_refused(factory: &dyn OperatorFactory, cases: &[(&str, &str)]) {
    for (job, message) in cases {
        let mut options = options(job);
        factory.describe(&mut options);
        let problems = options.problems().clone();
        options.finish();
        let problems = problems.take();
        assert!(
            problems.iter().any(|problem| problem.message.contains(message)),
            "{job}: {problems:?}"
        );
    }
}
