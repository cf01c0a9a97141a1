//! The token contract in Zig: balances, allowances and a fixed supply, as the guest in token/.
//!
//! It has the same methods, storage, events and messages. Invariant: the balances add up to the
//! total supply, which only `deploy` sets; so no balance overflows.

const fusee = @import("fusee.zig");

const Address = [fusee.ADDRESS_BYTES]u8;

/// Two accounts and an amount, as borsh writes them: the data of both events.
const Moved = extern struct {
    from: Address,
    to: Address,
    amount: u64 align(1),
};

const BalanceKey = extern struct { tag: u8 = 1, account: Address };
const AllowanceKey = extern struct { tag: u8 = 2, owner: Address, spender: Address };
const SupplyKey = extern struct { tag: u8 = 0 };

/// Reads the arguments: exactly as many bytes as they have.
fn arguments(to: []u8) void {
    const has: u32 = @bitCast(fusee.input_read(to.ptr, to.len));
    if (has < to.len) revert("arguments end too early");
    if (has > to.len) revert("bytes after the arguments");
}

/// The number under a key, or 0.
fn load(key: anytype) u64 {
    var number: u64 = 0;
    const bytes = bytesOf(key);
    _ = fusee.storage_read(bytes.ptr, bytes.len, @ptrCast(&number), @sizeOf(u64));
    return number;
}

fn store(key: anytype, number: u64) void {
    const bytes = bytesOf(key);
    fusee.storage_write(bytes.ptr, bytes.len, @ptrCast(&number), @sizeOf(u64));
}

fn output(number: u64) void {
    fusee.output_write(@ptrCast(&number), @sizeOf(u64));
}

fn emit(topic: []const u8, data: *const Moved) void {
    fusee.event_emit(topic.ptr, topic.len, @ptrCast(data), @sizeOf(Moved));
}

/// The bytes of what a pointer points to.
fn bytesOf(pointer: anytype) []const u8 {
    const bytes: [*]const u8 = @ptrCast(pointer);
    return bytes[0..@sizeOf(@TypeOf(pointer.*))];
}

fn revert(message: []const u8) noreturn {
    fusee.revert(message.ptr, message.len);
    @trap();
}

/// A message that is written piece by piece.
const Message = struct {
    bytes: [100]u8 = undefined,
    length: usize = 0,

    fn text(self: *Message, piece: []const u8) void {
        for (piece) |byte| {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
    }

    fn number(self: *Message, value: u64) void {
        var digits: [20]u8 = undefined;
        var first: usize = digits.len;
        var rest = value;
        while (first == digits.len or rest != 0) : (rest /= 10) {
            first -= 1;
            digits[first] = '0' + @as(u8, @intCast(rest % 10));
        }
        self.text(digits[first..]);
    }
};

/// What is left of the number, or a revert that names both.
fn subtract(complaint: []const u8, has: u64, needs: u64) u64 {
    if (has < needs) {
        var message = Message{};
        message.text(complaint);
        message.text(": has ");
        message.number(has);
        message.text(", needs ");
        message.number(needs);
        revert(message.bytes[0..message.length]);
    }
    return has - needs;
}

fn caller() Address {
    var address: Address = undefined;
    fusee.caller(&address);
    return address;
}

/// Moves tokens with two writes and one event.
fn moveTokens(moved: *const Moved) void {
    const from = BalanceKey{ .account = moved.from };
    store(&from, subtract("insufficient balance", load(&from), moved.amount));

    // Read after the write above, so that a transfer to oneself leaves the balance as it was.
    const to = BalanceKey{ .account = moved.to };
    store(&to, load(&to) + moved.amount);
    emit("transfer", moved);
}

/// The second account and the amount, behind the caller.
fn movedByCaller() Moved {
    var moved: Moved = undefined;
    const bytes: *[@sizeOf(Moved)]u8 = @ptrCast(&moved);
    arguments(bytes[@sizeOf(Address)..]);
    moved.from = caller();
    return moved;
}

/// `deploy(supply: u64)`: credits the whole supply to the caller.
export fn deploy() void {
    var supply: u64 = undefined;
    arguments(@ptrCast(&supply));
    store(&SupplyKey{}, supply);
    store(&BalanceKey{ .account = caller() }, supply);
}

/// `transfer(to: address, amount: u64)`: moves the caller's tokens.
export fn transfer() void {
    const moved = movedByCaller();
    moveTokens(&moved);
}

/// `approve(spender: address, amount: u64)`: sets how many of the caller's tokens another account
/// may move, in place of any earlier number.
export fn approve() void {
    const approved = movedByCaller();
    const key = AllowanceKey{ .owner = approved.from, .spender = approved.to };
    store(&key, approved.amount);
    emit("approve", &approved);
}

/// `transfer_from(from: address, to: address, amount: u64)`: moves another account's tokens, out of
/// the allowance that it gave to the caller.
export fn transfer_from() void {
    var moved: Moved = undefined;
    arguments(@ptrCast(&moved));
    const key = AllowanceKey{ .owner = moved.from, .spender = caller() };
    store(&key, subtract("insufficient allowance", load(&key), moved.amount));
    moveTokens(&moved);
}

/// `balance_of(account: address) -> u64`
export fn balance_of() void {
    var key = BalanceKey{ .account = undefined };
    arguments(&key.account);
    output(load(&key));
}

/// `allowance(owner: address, spender: address) -> u64`
export fn allowance() void {
    var key = AllowanceKey{ .owner = undefined, .spender = undefined };
    const bytes: *[@sizeOf(AllowanceKey)]u8 = @ptrCast(&key);
    arguments(bytes[1..]);
    output(load(&key));
}

/// `total_supply() -> u64`
export fn total_supply() void {
    arguments(&.{});
    output(load(&SupplyKey{}));
}
