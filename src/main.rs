//! The command line of podcheck.

fn main() -> std::process::ExitCode {
    podcheck::hand_over();
    podcheck::cli::main()
}
