//! Prime fields.

use ruint::Uint;

/// The integers modulo an odd prime.
#[derive(Debug)]
pub(super) struct Field<const BITS: usize, const LIMBS: usize> {
    pub(super) modulus: Uint<BITS, LIMBS>,
}

impl<const BITS: usize, const LIMBS: usize> Field<BITS, LIMBS> {
    pub(super) fn contains(&self, value: Uint<BITS, LIMBS>) -> bool {
        value < self.modulus
    }

    /// The sum, reduced. As the other operations, it takes any numbers.
    pub(super) fn add(
        &self,
        left: Uint<BITS, LIMBS>,
        right: Uint<BITS, LIMBS>,
    ) -> Uint<BITS, LIMBS> {
        left.add_mod(right, self.modulus)
    }

    pub(super) fn sub(
        &self,
        left: Uint<BITS, LIMBS>,
        right: Uint<BITS, LIMBS>,
    ) -> Uint<BITS, LIMBS> {
        left.add_mod(self.neg(right), self.modulus)
    }

    pub(super) fn neg(&self, value: Uint<BITS, LIMBS>) -> Uint<BITS, LIMBS> {
        let value = value.reduce_mod(self.modulus);
        match value.is_zero() {
            true => value,
            false => self.modulus.wrapping_sub(value),
        }
    }

    pub(super) fn mul(
        &self,
        left: Uint<BITS, LIMBS>,
        right: Uint<BITS, LIMBS>,
    ) -> Uint<BITS, LIMBS> {
        left.mul_mod(right, self.modulus)
    }

    pub(super) fn square(&self, value: Uint<BITS, LIMBS>) -> Uint<BITS, LIMBS> {
        self.mul(value, value)
    }

    /// The inverse. That of zero is zero, as Fermat's exponentiation gives it.
    pub(super) fn inverse(&self, value: Uint<BITS, LIMBS>) -> Uint<BITS, LIMBS> {
        let value = value.reduce_mod(self.modulus);
        value.inv_mod(self.modulus).unwrap_or(Uint::ZERO)
    }

    /// The power, in Montgomery form (P. Montgomery, "Modular multiplication without trial
    /// division", 1985).
    pub(super) fn pow(
        &self,
        base: Uint<BITS, LIMBS>,
        exponent: Uint<BITS, LIMBS>,
    ) -> Uint<BITS, LIMBS> {
        let inverse = self.minus_inverse_of_a_limb();
        // 2^BITS reduced is one in this form.
        let one = Uint::MAX.reduce_mod(self.modulus);
        let one = self.add(one, Uint::ONE);
        let base = self.mul(base, one);
        let mut power = one;
        for bit in (0..exponent.bit_len()).rev() {
            power = power.square_redc(self.modulus, inverse);
            if exponent.bit(bit) {
                power = power.mul_redc(base, self.modulus, inverse);
            }
        }
        power.mul_redc(Uint::ONE, self.modulus, inverse)
    }

    /// A square root, where the modulus is 3 modulo 4. `None` if there is none.
    pub(super) fn square_root(&self, value: Uint<BITS, LIMBS>) -> Option<Uint<BITS, LIMBS>> {
        let value = value.reduce_mod(self.modulus);
        // (p + 1) / 4, without the carry.
        let quarter = self.modulus.wrapping_shr(2).wrapping_add(Uint::ONE);
        let root = self.pow(value, quarter);
        (self.square(root) == value).then_some(root)
    }

    /// The inverse of the modulus modulo 2^64, negated. By Newton's iteration.
    fn minus_inverse_of_a_limb(&self) -> u64 {
        let limb = self.modulus.as_limbs().first().copied().unwrap_or(1);
        // Each step doubles the number of correct bits; the first three are.
        let mut inverse = limb;
        for _ in 0..5 {
            let error = 2_u64.wrapping_sub(limb.wrapping_mul(inverse));
            inverse = inverse.wrapping_mul(error);
        }
        inverse.wrapping_neg()
    }
}
