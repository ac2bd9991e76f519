//! `schat`: parse, trace, run, exit.

use std::{process::ExitCode, thread};

use client::{
    cli::{self, run},
    failure::{Exit, Failure},
    log,
};

/// The stack of the thread that everything begins in, in bytes: what a main thread usually has. The main thread itself has what
/// `ulimit -s` says, and that may be too little to read a command line.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    match thread::Builder::new().stack_size(STACK).spawn(program).map(thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        // It has told its panic.
        Ok(Err(_)) => ExitCode::from(PANICKED),
        Err(error) => no_threads(false, &error),
    }
}

/// The exit code of a panic, as Rust has it.
const PANICKED: u8 = 101;

fn program() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let is_json = cli.is_json();
    if let Err(failure) = log::start(cli.log()) {
        return cli::end(is_json, Err(failure.into())).into();
    }
    log::begins(cli.asked());
    if let Err(error) = files() {
        let message = format!("Too few files can be opened at once: {error}.");
        return no_start(is_json, message, "Raise the limit: ulimit -n 256.");
    }
    let runtime = threads().and_then(|()| tokio::runtime::Builder::new_multi_thread().enable_all().build());
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(run(cli));
            cli::end_log(exit);
            // Nothing that matters is left; a blocked thread must not keep us.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => no_threads(is_json, &error),
    }
}

fn no_threads(is_json: bool, error: &std::io::Error) -> ExitCode {
    let message = format!("No threads can be started: {error}.");
    no_start(is_json, message, "Raise the limits for this user: ulimit -u, ulimit -v.")
}

fn no_start(is_json: bool, message: String, remedy: &str) -> ExitCode {
    cli::end(is_json, Err(Failure::new(Exit::Local, "limits", message, remedy))).into()
}

/// Opens as many files as a start needs, sockets among them, and lets them go: where there may be no more, the runtime would
/// panic, and everything else would fail for reasons that are none.
fn files() -> std::io::Result<()> {
    const NEEDED: usize = 32;
    let any = if cfg!(windows) { "NUL" } else { "/dev/null" };
    (0..NEEDED).map(|_| std::fs::File::open(any)).collect::<std::io::Result<Vec<_>>>().map(drop)
}

/// Starts as many threads as there will be, and lets them go: where there may be no more, the runtime would panic.
fn threads() -> std::io::Result<()> {
    let count = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (ends, waits) = std::sync::mpsc::channel::<()>();
    let waits = std::sync::Arc::new(std::sync::Mutex::new(waits));
    let start = |_| {
        let waits = waits.clone();
        thread::Builder::new().spawn(move || {
            // Until the sender is gone.
            let _ = waits.lock().map(|waits| waits.recv());
        })
    };
    let started: Vec<_> = (0..=count).map(start).collect();
    drop(ends);
    let mut done = Ok(());
    for thread in started {
        match thread {
            // It has nothing to say.
            Ok(thread) => drop(thread.join()),
            Err(error) => done = Err(error),
        }
    }
    done
}
