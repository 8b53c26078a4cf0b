//! The program: parse arguments, run, turn the result into an exit code.

use std::process::ExitCode;

use clap::Parser;

/// Records of decisions are made on one thread and freed on another, thousands a second: glibc's allocator takes a lock for
/// each, and threads wait for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = meritline::cli::Arguments::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(meritline::cli::run(arguments)),
        Err(error) => {
            eprintln!("meritline: cannot start: {error}");
            ExitCode::from(1)
        }
    }
}
