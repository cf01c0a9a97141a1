//! scratch
use fusee_conformance::*;
fn main() {
    let l = lanes();
    for f in std::env::args().skip(1) {
        let w = wat::parse_str(&std::fs::read_to_string(&f).unwrap()).unwrap();
        let rules = smith::rules();
        let program = fusee_instrument::prepare(&w, &rules).unwrap();
        let calls = smith::calls(&program.exports, 317);
        for lane in &l[..2] {
            let p = lane.executor.prepare(&w, &rules).unwrap();
            let o = smith::observe(lane, &p, &calls).unwrap();
            println!(
                "{f} {} {:?}",
                lane.name,
                o.iter().map(|o| &o.verdict).collect::<Vec<_>>()
            );
        }
        let o = smith::observe(&l[0], &l[0].executor.prepare(&w, &rules).unwrap(), &calls).unwrap();
        println!("{:?}", smith::compare(&w, &calls, &o));
    }
}
