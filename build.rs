//! Release programs keep their line tables, compressed: unpacked they take more room than the code.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A debug build is linked often, and read by a debugger: it stays as it is.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rustc-link-arg-bins=-Wl,--compress-debug-sections=zlib");
    }
}
