package payrules

import (
	"errors"
	"math/big"
	"time"
)

// Money is an exact amount: rates of fractions of a cent and shares of bonuses
// stay what they are until [Money.Cents] rounds, once, at the end. The zero value
// is nothing. It is a value: no method changes it.
type Money struct{ r *big.Rat }

// ErrMoney refuses a text that is no amount.
var ErrMoney = errors.New("an amount is written with a point and at most four decimals, 12.50")

// Cents is an amount of whole cents.
func Cents(n int64) Money { return Money{big.NewRat(n, 100)} }

// ParseMoney reads an amount of at least nothing, 12 or 12.50 or 9.1250.
func ParseMoney(text string) (Money, error) {
	digits, decimals, point := 0, 0, false
	for _, c := range text {
		switch {
		case c == '.' && !point && digits > 0:
			point = true
		case c >= '0' && c <= '9':
			digits++
			if point {
				decimals++
			}
		default:
			return Money{}, ErrMoney
		}
	}
	if digits == 0 || digits > 15 || decimals > 4 || point && decimals == 0 {
		return Money{}, ErrMoney
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return Money{}, ErrMoney
	}
	return Money{r}, nil
}

func (m Money) rat() *big.Rat {
	if m.r == nil {
		return new(big.Rat)
	}
	return m.r
}

// Plus adds.
func (m Money) Plus(other Money) Money { return Money{new(big.Rat).Add(m.rat(), other.rat())} }

// Times multiplies by a fraction.
func (m Money) Times(over, under int64) Money {
	return Money{new(big.Rat).Mul(m.rat(), big.NewRat(over, under))}
}

// For is what an hourly rate pays for a time.
func (m Money) For(t time.Duration) Money { return m.Times(int64(t), int64(time.Hour)) }

// PerHour is the rate that pays the amount in a time, and nothing for no time.
func (m Money) PerHour(t time.Duration) Money {
	if t <= 0 {
		return Money{}
	}
	return m.Times(int64(time.Hour), int64(t))
}

// Equal compares exactly.
func (m Money) Equal(other Money) bool { return m.rat().Cmp(other.rat()) == 0 }

// Cents rounds to whole cents, a half away from zero.
func (m Money) Cents() int64 {
	scaled := new(big.Rat).Mul(m.rat(), big.NewRat(100, 1))
	half := big.NewRat(1, 2)
	if scaled.Sign() < 0 {
		half.Neg(half)
	}
	scaled.Add(scaled, half)
	return new(big.Int).Quo(scaled.Num(), scaled.Denom()).Int64()
}

// String writes the amount to the cent, 588.00.
func (m Money) String() string { return m.Decimals(2) }

// Decimals writes the amount with n decimals, a half away from zero.
func (m Money) Decimals(n int) string { return m.rat().FloatString(n) }
