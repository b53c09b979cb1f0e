package cpu

// The one-line methods of compute.Function: elementwise operations and reductions.

import "github.com/gomlx/compute"

var unaryOps = map[compute.OpType]bool{
	compute.OpTypeAbs:        true,
	compute.OpTypeBitCount:   true,
	compute.OpTypeBitwiseNot: true,
	compute.OpTypeCeil:       true,
	compute.OpTypeClz:        true,
	compute.OpTypeCos:        true,
	compute.OpTypeErf:        true,
	compute.OpTypeExp:        true,
	compute.OpTypeExpm1:      true,
	compute.OpTypeFloor:      true,
	compute.OpTypeIsFinite:   true,
	compute.OpTypeIsNaN:      true,
	compute.OpTypeLog:        true,
	compute.OpTypeLog1p:      true,
	compute.OpTypeLogicalNot: true,
	compute.OpTypeLogistic:   true,
	compute.OpTypeNeg:        true,
	compute.OpTypeRound:      true,
	compute.OpTypeRsqrt:      true,
	compute.OpTypeSign:       true,
	compute.OpTypeSin:        true,
	compute.OpTypeSqrt:       true,
	compute.OpTypeTanh:       true,
}

var binaryOps = map[compute.OpType]bool{
	compute.OpTypeAdd:                      true,
	compute.OpTypeAtan2:                    true,
	compute.OpTypeBitwiseAnd:               true,
	compute.OpTypeBitwiseOr:                true,
	compute.OpTypeBitwiseXor:               true,
	compute.OpTypeDiv:                      true,
	compute.OpTypeLogicalAnd:               true,
	compute.OpTypeLogicalOr:                true,
	compute.OpTypeLogicalXor:               true,
	compute.OpTypeMax:                      true,
	compute.OpTypeMin:                      true,
	compute.OpTypeMul:                      true,
	compute.OpTypePow:                      true,
	compute.OpTypeRem:                      true,
	compute.OpTypeShiftLeft:                true,
	compute.OpTypeShiftRightArithmetic:     true,
	compute.OpTypeShiftRightLogical:        true,
	compute.OpTypeSub:                      true,
	compute.OpTypeEqual:                    true,
	compute.OpTypeNotEqual:                 true,
	compute.OpTypeLessThan:                 true,
	compute.OpTypeLessOrEqual:              true,
	compute.OpTypeGreaterThan:              true,
	compute.OpTypeGreaterOrEqual:           true,
	compute.OpTypeEqualTotalOrder:          true,
	compute.OpTypeNotEqualTotalOrder:       true,
	compute.OpTypeLessThanTotalOrder:       true,
	compute.OpTypeLessOrEqualTotalOrder:    true,
	compute.OpTypeGreaterThanTotalOrder:    true,
	compute.OpTypeGreaterOrEqualTotalOrder: true,
}

var comparisonOps = map[compute.OpType]bool{
	compute.OpTypeEqual:                    true,
	compute.OpTypeNotEqual:                 true,
	compute.OpTypeLessThan:                 true,
	compute.OpTypeLessOrEqual:              true,
	compute.OpTypeGreaterThan:              true,
	compute.OpTypeGreaterOrEqual:           true,
	compute.OpTypeEqualTotalOrder:          true,
	compute.OpTypeNotEqualTotalOrder:       true,
	compute.OpTypeLessThanTotalOrder:       true,
	compute.OpTypeLessOrEqualTotalOrder:    true,
	compute.OpTypeGreaterThanTotalOrder:    true,
	compute.OpTypeGreaterOrEqualTotalOrder: true,
}

// Abs implements compute.Function.
func (f *function) Abs(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeAbs, x) }

// BitCount implements compute.Function.
func (f *function) BitCount(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeBitCount, x)
}

// BitwiseNot implements compute.Function.
func (f *function) BitwiseNot(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeBitwiseNot, x)
}

// Ceil implements compute.Function.
func (f *function) Ceil(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeCeil, x)
}

// Clz implements compute.Function.
func (f *function) Clz(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeClz, x) }

// Cos implements compute.Function.
func (f *function) Cos(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeCos, x) }

// Erf implements compute.Function.
func (f *function) Erf(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeErf, x) }

// Exp implements compute.Function.
func (f *function) Exp(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeExp, x) }

// Expm1 implements compute.Function.
func (f *function) Expm1(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeExpm1, x)
}

// Floor implements compute.Function.
func (f *function) Floor(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeFloor, x)
}

// IsFinite implements compute.Function.
func (f *function) IsFinite(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeIsFinite, x)
}

// IsNaN implements compute.Function.
func (f *function) IsNaN(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeIsNaN, x)
}

// Log implements compute.Function.
func (f *function) Log(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeLog, x) }

// Log1p implements compute.Function.
func (f *function) Log1p(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLog1p, x)
}

// LogicalNot implements compute.Function.
func (f *function) LogicalNot(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogicalNot, x)
}

// Logistic implements compute.Function.
func (f *function) Logistic(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogistic, x)
}

// Neg implements compute.Function.
func (f *function) Neg(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeNeg, x) }

// Round implements compute.Function.
func (f *function) Round(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeRound, x)
}

// Rsqrt implements compute.Function.
func (f *function) Rsqrt(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeRsqrt, x)
}

// Sign implements compute.Function.
func (f *function) Sign(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSign, x)
}

// Sin implements compute.Function.
func (f *function) Sin(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeSin, x) }

// Sqrt implements compute.Function.
func (f *function) Sqrt(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSqrt, x)
}

// Tanh implements compute.Function.
func (f *function) Tanh(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeTanh, x)
}

// Add implements compute.Function.
func (f *function) Add(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeAdd, lhs, rhs)
}

// Atan2 implements compute.Function.
func (f *function) Atan2(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeAtan2, lhs, rhs)
}

// BitwiseAnd implements compute.Function.
func (f *function) BitwiseAnd(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeBitwiseAnd, lhs, rhs)
}

// BitwiseOr implements compute.Function.
func (f *function) BitwiseOr(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeBitwiseOr, lhs, rhs)
}

// BitwiseXor implements compute.Function.
func (f *function) BitwiseXor(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeBitwiseXor, lhs, rhs)
}

// Div implements compute.Function.
func (f *function) Div(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeDiv, lhs, rhs)
}

// LogicalAnd implements compute.Function.
func (f *function) LogicalAnd(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalAnd, lhs, rhs)
}

// LogicalOr implements compute.Function.
func (f *function) LogicalOr(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalOr, lhs, rhs)
}

// LogicalXor implements compute.Function.
func (f *function) LogicalXor(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalXor, lhs, rhs)
}

// Max implements compute.Function.
func (f *function) Max(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMax, lhs, rhs)
}

// Min implements compute.Function.
func (f *function) Min(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMin, lhs, rhs)
}

// Mul implements compute.Function.
func (f *function) Mul(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMul, lhs, rhs)
}

// Pow implements compute.Function.
func (f *function) Pow(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypePow, lhs, rhs)
}

// Rem implements compute.Function.
func (f *function) Rem(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeRem, lhs, rhs)
}

// ShiftLeft implements compute.Function.
func (f *function) ShiftLeft(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeShiftLeft, lhs, rhs)
}

// ShiftRightArithmetic implements compute.Function.
func (f *function) ShiftRightArithmetic(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeShiftRightArithmetic, lhs, rhs)
}

// ShiftRightLogical implements compute.Function.
func (f *function) ShiftRightLogical(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeShiftRightLogical, lhs, rhs)
}

// Sub implements compute.Function.
func (f *function) Sub(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeSub, lhs, rhs)
}

// Equal implements compute.Function.
func (f *function) Equal(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeEqual, lhs, rhs)
}

// NotEqual implements compute.Function.
func (f *function) NotEqual(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeNotEqual, lhs, rhs)
}

// LessThan implements compute.Function.
func (f *function) LessThan(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessThan, lhs, rhs)
}

// LessOrEqual implements compute.Function.
func (f *function) LessOrEqual(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessOrEqual, lhs, rhs)
}

// GreaterThan implements compute.Function.
func (f *function) GreaterThan(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterThan, lhs, rhs)
}

// GreaterOrEqual implements compute.Function.
func (f *function) GreaterOrEqual(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterOrEqual, lhs, rhs)
}

// EqualTotalOrder implements compute.Function.
func (f *function) EqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeEqualTotalOrder, lhs, rhs)
}

// NotEqualTotalOrder implements compute.Function.
func (f *function) NotEqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeNotEqualTotalOrder, lhs, rhs)
}

// LessThanTotalOrder implements compute.Function.
func (f *function) LessThanTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessThanTotalOrder, lhs, rhs)
}

// LessOrEqualTotalOrder implements compute.Function.
func (f *function) LessOrEqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessOrEqualTotalOrder, lhs, rhs)
}

// GreaterThanTotalOrder implements compute.Function.
func (f *function) GreaterThanTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterThanTotalOrder, lhs, rhs)
}

// GreaterOrEqualTotalOrder implements compute.Function.
func (f *function) GreaterOrEqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterOrEqualTotalOrder, lhs, rhs)
}

// ReduceSum implements compute.Function.
func (f *function) ReduceSum(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceSum, x, axes)
}

// ReduceMax implements compute.Function.
func (f *function) ReduceMax(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMax, x, axes)
}

// ReduceMin implements compute.Function.
func (f *function) ReduceMin(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMin, x, axes)
}

// ReduceProduct implements compute.Function.
func (f *function) ReduceProduct(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceProduct, x, axes)
}

// ReduceLogicalAnd implements compute.Function.
func (f *function) ReduceLogicalAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalAnd, x, axes)
}

// ReduceLogicalOr implements compute.Function.
func (f *function) ReduceLogicalOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalOr, x, axes)
}

// ReduceLogicalXor implements compute.Function.
func (f *function) ReduceLogicalXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalXor, x, axes)
}

// ReduceBitwiseAnd implements compute.Function.
func (f *function) ReduceBitwiseAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseAnd, x, axes)
}

// ReduceBitwiseOr implements compute.Function.
func (f *function) ReduceBitwiseOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseOr, x, axes)
}

// ReduceBitwiseXor implements compute.Function.
func (f *function) ReduceBitwiseXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseXor, x, axes)
}
