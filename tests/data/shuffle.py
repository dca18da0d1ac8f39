# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Rows in the order that polytask's data layer draws: std::seed_seq and
std::mt19937_64 as the C++ standard defines them ([rand.util.seedseq],
[rand.eng.mers]), then Fisher and Yates. Prints what the tests expect; run by
hand."""

M32, M64 = 2**32 - 1, 2**64 - 1


def seed_seq(v, n):
    b, s = [0x8B8B8B8B] * n, len(v)
    t = 11 if n >= 623 else 7
    p, q = (n - t) // 2, (n - t) // 2 + t
    m = max(s + 1, n)
    shift = lambda x: x ^ (x >> 27)
    for k in range(m):
        r1 = 1664525 * shift(b[k % n] ^ b[(k + p) % n] ^ b[(k - 1) % n]) & M32
        r2 = r1 + (s if k == 0 else k % n + v[k - 1] if k <= s else k % n) & M32
        b[(k + p) % n] = b[(k + p) % n] + r1 & M32
        b[(k + q) % n] = b[(k + q) % n] + r2 & M32
        b[k % n] = r2
    for k in range(m, m + n):
        r3 = 1566083941 * shift(b[k % n] + b[(k + p) % n] + b[(k - 1) % n] & M32) & M32
        r4 = r3 - k % n & M32
        b[(k + p) % n] ^= r3
        b[(k + q) % n] ^= r4
        b[k % n] = r4
    return b


def mt19937_64(words):
    a = seed_seq(words, 624)
    x = [a[2 * i] | a[2 * i + 1] << 32 for i in range(312)]
    if x[0] >> 31 == 0 and not any(x[1:]):
        x[0] = 1 << 63
    i = 0
    while True:
        y = (x[i] & ~0x7FFFFFFF & M64) | (x[(i + 1) % 312] & 0x7FFFFFFF)
        x[i] = x[(i + 156) % 312] ^ (y >> 1) ^ (0xB5026F5AA96619E9 if y & 1 else 0)
        z = x[i]
        z ^= (z >> 29) & 0x5555555555555555
        z ^= (z << 17) & 0x71D67FFFEDA60000
        z ^= (z << 37) & 0xFFF7EEE000000000 & M64
        yield z ^ (z >> 43)
        i = (i + 1) % 312


def shuffled_rows(rows, seed, stream=0):
    draw = mt19937_64([seed & M32, seed >> 32, stream & M32, stream >> 32])
    order = list(range(rows))
    for last in range(rows - 1, 0, -1):
        bound = last + 1
        number = next(draw)
        while number < 2**64 % bound:
            number = next(draw)
        other = number % bound
        order[last], order[other] = order[other], order[last]
    return order


if __name__ == "__main__":
    print("random_split(20, 0.25, 0):", sorted(shuffled_rows(20, 0)[:5]))
    print("random_split(20, 0.25, 2**40):", sorted(shuffled_rows(20, 2**40)[:5]))
    for epoch in range(2):
        print("Loader, 8 rows, seed 3, epoch", epoch, shuffled_rows(8, 3, epoch))
