//! Points on elliptic curves, in affine coordinates, as the interface defines them: by the formulas
//! of addition, for any coordinates in the field. Whether a point is on its curve is the caller's
//! affair.

use ruint::{Uint, uint};

use super::{Malformed, field::Field};

pub(super) type U256 = Uint<256, 4>;
pub(super) type U384 = Uint<384, 6>;

/// The curve `y² = x³ + a x + b`.
#[derive(Debug)]
pub(super) struct Weierstrass<const BITS: usize, const LIMBS: usize> {
    pub(super) field: Field<BITS, LIMBS>,
    a: Uint<BITS, LIMBS>,
    b: Uint<BITS, LIMBS>,
}

/// The coordinates of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point<const BITS: usize, const LIMBS: usize> {
    pub(super) x: Uint<BITS, LIMBS>,
    pub(super) y: Uint<BITS, LIMBS>,
}

/// SEC 2, section 2.4.1.
pub(super) const SECP256K1: Weierstrass<256, 4> = Weierstrass {
    field: Field {
        modulus: uint!(0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f_U256),
    },
    a: Uint::ZERO,
    b: uint!(7_U256),
};

/// SEC 2, section 2.4.2.
pub(super) const SECP256R1: Weierstrass<256, 4> = Weierstrass {
    field: Field {
        modulus: uint!(0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff_U256),
    },
    a: uint!(0xffffffff00000001000000000000000000000000fffffffffffffffffffffffc_U256),
    b: uint!(0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b_U256),
};

/// EIP-196.
pub(super) const BN254: Weierstrass<256, 4> = Weierstrass {
    field: Field {
        modulus: uint!(0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47_U256),
    },
    a: Uint::ZERO,
    b: uint!(3_U256),
};

/// The group G1 of BLS12-381 (S. Bowe, "BLS12-381: New zk-SNARK elliptic curve construction").
pub(super) const BLS12_381: Weierstrass<384, 6> = Weierstrass {
    field: Field {
        modulus: uint!(
            0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab_U384
        ),
    },
    a: Uint::ZERO,
    b: uint!(4_U384),
};

/// The field of edwards25519 (RFC 7748, section 4.1).
const ED25519: Field<256, 4> = Field {
    modulus: uint!(0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed_U256),
};

/// The constant of edwards25519.
const ED25519_D: U256 =
    uint!(0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3_U256);

/// A square root of -1.
const ED25519_ROOT: U256 =
    uint!(0x2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0_U256);

impl<const BITS: usize, const LIMBS: usize> Weierstrass<BITS, LIMBS> {
    /// The sum of two points, which must differ.
    pub(super) fn add(
        &self,
        left: Point<BITS, LIMBS>,
        right: Point<BITS, LIMBS>,
    ) -> Result<Point<BITS, LIMBS>, Malformed> {
        let field = &self.field;
        let coordinates = [left.x, left.y, right.x, right.y];
        if left == right || !coordinates.into_iter().all(|value| field.contains(value)) {
            return Err(Malformed);
        }
        let slope = field.mul(
            field.sub(right.y, left.y),
            field.inverse(field.sub(right.x, left.x)),
        );
        Ok(self.third(slope, left, right.x))
    }

    pub(super) fn double(
        &self,
        point: Point<BITS, LIMBS>,
    ) -> Result<Point<BITS, LIMBS>, Malformed> {
        let field = &self.field;
        let Point { x, y } = point;
        if !field.contains(x) || !field.contains(y) {
            return Err(Malformed);
        }
        let square = field.square(x);
        let rise = field.add(field.add(square, field.add(square, square)), self.a);
        let slope = field.mul(rise, field.inverse(field.add(y, y)));
        Ok(self.third(slope, point, x))
    }

    /// A `y` of this `x`; the other is its negative. `None` if there is none.
    pub(super) fn ordinate(&self, x: Uint<BITS, LIMBS>) -> Option<Uint<BITS, LIMBS>> {
        let field = &self.field;
        if !field.contains(x) {
            return None;
        }
        let cube = field.mul(field.square(x), x);
        field.square_root(field.add(field.add(cube, field.mul(self.a, x)), self.b))
    }

    /// The negative of the third point on the line of this slope through a point.
    fn third(
        &self,
        slope: Uint<BITS, LIMBS>,
        point: Point<BITS, LIMBS>,
        other_x: Uint<BITS, LIMBS>,
    ) -> Point<BITS, LIMBS> {
        let field = &self.field;
        let x = field.sub(field.square(slope), field.add(point.x, other_x));
        let y = field.sub(field.mul(slope, field.sub(point.x, x)), point.y);
        Point { x, y }
    }
}

/// The `y` of a point on secp256k1 or secp256r1, by its `x` and whether `y` is odd.
pub(super) fn decompress(
    curve: &Weierstrass<256, 4>,
    x: U256,
    is_odd: bool,
) -> Result<U256, Malformed> {
    let y = curve.ordinate(x).ok_or(Malformed)?;
    Ok(match y.bit(0) == is_odd {
        true => y,
        false => curve.field.neg(y),
    })
}

/// The `y` of a point on BLS12-381, by its `x`, and whether `y` is the greater of the two. As in
/// the serialised form, three bits of `x` are flags: one (ignored), infinity, and the sign.
pub(super) fn decompress_bls12_381(x: U384, is_greater: bool) -> Result<U384, Malformed> {
    const INFINITY: usize = 382;
    const SIGN: usize = 381;
    let is_greater = is_greater || x.bit(SIGN);
    let flags: U384 = uint!(7_U384) << SIGN;
    let without_flags = x & !flags;
    if x.bit(INFINITY) {
        // The point at infinity has the coordinates 0 and 1.
        let is_plain = without_flags.is_zero() && !is_greater;
        return is_plain.then_some(Uint::ONE).ok_or(Malformed);
    }
    let y = BLS12_381.ordinate(without_flags).ok_or(Malformed)?;
    let other = BLS12_381.field.neg(y);
    Ok(match (y > other) == is_greater {
        true => y,
        false => other,
    })
}

/// The sum of two points on edwards25519, of any coordinates.
pub(super) fn add_ed25519(left: Point<256, 4>, right: Point<256, 4>) -> Point<256, 4> {
    let field = &ED25519;
    let cross = field.add(field.mul(left.x, right.y), field.mul(left.y, right.x));
    let along = field.add(field.mul(left.y, right.y), field.mul(left.x, right.x));
    let all = field.mul(field.mul(left.x, left.y), field.mul(right.x, right.y));
    let skew = field.mul(ED25519_D, all);
    Point {
        x: field.mul(cross, field.inverse(field.add(Uint::ONE, skew))),
        y: field.mul(along, field.inverse(field.sub(Uint::ONE, skew))),
    }
}

/// The `x` of a point on edwards25519 whose lowest bit is the sign, unless it is zero. `y` may
/// exceed the modulus.
pub(super) fn decompress_ed25519(y: U256, is_odd: bool) -> Result<U256, Malformed> {
    let field = &ED25519;
    let square = field.square(y);
    let numerator = field.sub(square, Uint::ONE);
    let denominator = field.add(field.mul(square, ED25519_D), Uint::ONE);
    let quotient = field.mul(numerator, field.inverse(denominator));
    // (p + 3) / 8.
    let exponent = field.modulus.wrapping_shr(3).wrapping_add(Uint::ONE);
    let mut root = field.pow(quotient, exponent);
    let found = field.square(root);
    if found != quotient {
        if field.add(found, quotient) != Uint::ZERO {
            return Err(Malformed);
        }
        root = field.mul(root, ED25519_ROOT);
    }
    Ok(match root.bit(0) == is_odd {
        true => root,
        false => field.neg(root),
    })
}
