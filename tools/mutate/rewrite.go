package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// Names of the mutations.
const (
	boundary   = "CONDITIONALS_BOUNDARY"   // < becomes <=, and so on
	negation   = "CONDITIONALS_NEGATION"   // == becomes !=, < becomes >=, and so on
	logical    = "INVERT_LOGICAL"          // && becomes ||
	removed    = "REMOVE_NOT"              // !x becomes x
	arithmetic = "ARITHMETIC_BASE"         // + becomes -, * becomes /, % becomes *
	negative   = "INVERT_NEGATIVES"        // -x becomes x
	step       = "INCREMENT_DECREMENT"     // ++ becomes --
	assignment = "INVERT_ASSIGNMENTS"      // += becomes -=
	alone      = "REMOVE_SELF_ASSIGNMENTS" // += becomes =
	loop       = "INVERT_LOOPCTRL"         // break becomes continue
)

// rewriter turns a file into one that holds all its mutants: each operator becomes a call of a function in runtime.txt,
// which changes the result if its mutant is the active one. A package is therefore compiled once, and not once for each
// mutant.
type rewriter struct {
	fset     *token.FileSet
	info     *types.Info
	source   []byte
	register func(offset int, mutation string) int // returns the number of the mutant
	edits    []edit
}

// edit replaces the bytes from offset to end. Of several at one offset, those with a lower rank come first.
type edit struct {
	offset, end, rank int
	text              string
}

// rewrite returns the source of a file with its mutants.
func (r *rewriter) rewrite(file *ast.File) []byte {
	var stack []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if constant(n) {
			return false
		}
		stack = append(stack, n)
		switch n := n.(type) {
		case *ast.BinaryExpr:
			r.binary(n)
		case *ast.UnaryExpr:
			r.unary(n)
		case *ast.IncDecStmt:
			operator := map[token.Token]string{token.INC: "+=", token.DEC: "-="}[n.Tok]
			r.replace(n.TokPos, 2, fmt.Sprintf("%s mutantStep(%d, %s)", operator, r.add(n.TokPos, step), r.text(n.X)))
		case *ast.AssignStmt:
			r.assign(n)
		case *ast.BranchStmt:
			r.branch(n, stack)
		}
		return true
	})
	return r.apply()
}

// constant reports whether a node may hold constant expressions only, which cannot call a function.
func constant(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok != token.VAR
	case *ast.ArrayType:
		return true
	}
	return false
}

func (r *rewriter) binary(n *ast.BinaryExpr) {
	call := func(function string, id int) {
		r.wrap(n, fmt.Sprintf("%s(%d, ", function, id), ")")
		r.replace(n.OpPos, len(n.Op.String()), ",")
	}
	switch n.Op {
	case token.EQL, token.NEQ:
		r.wrap(n, fmt.Sprintf("mutantNot(%d, ", r.add(n.OpPos, negation)), ")")
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		r.wrap(n, fmt.Sprintf("mutantNot(%d, ", r.add(n.OpPos, negation)), ")")
		call(map[token.Token]string{
			token.LSS: "mutantLess", token.LEQ: "mutantLessEqual", token.GTR: "mutantMore", token.GEQ: "mutantMoreEqual",
		}[n.Op], r.add(n.OpPos, boundary))
	case token.LAND, token.LOR:
		// The function keeps the second operand from being evaluated unless it is needed. The parenthesis allows a
		// new line after the operator.
		function := map[token.Token]string{token.LAND: "mutantAnd", token.LOR: "mutantOr"}[n.Op]
		r.wrap(n, fmt.Sprintf("%s(%d, ", function, r.add(n.OpPos, logical)), ")})")
		r.replace(n.OpPos, len(n.Op.String()), ", func() bool { return (")
	case token.ADD, token.SUB, token.MUL, token.QUO, token.REM:
		if argument, ok := r.number(n); ok {
			function := map[token.Token]string{token.ADD: "mutantAdd", token.SUB: "mutantSubtract",
				token.MUL: "mutantMultiply", token.QUO: "mutantDivide", token.REM: "mutantModulo"}[n.Op]
			call(function+argument, r.add(n.OpPos, arithmetic))
		}
	}
}

func (r *rewriter) unary(n *ast.UnaryExpr) {
	switch n.Op {
	case token.SUB:
		if argument, ok := r.number(n); ok {
			r.replace(n.OpPos, 1, fmt.Sprintf("mutantNegative%s(%d, ", argument, r.add(n.OpPos, negative)))
			r.insertAfter(n, ")")
		}
	case token.NOT:
		r.wrap(n, fmt.Sprintf("mutantNot(%d, ", r.add(n.OpPos, removed)), ")")
	}
}

// number reports whether an expression is a number, and returns the type argument to write where Go could not infer it
// from constants.
func (r *rewriter) number(n ast.Expr) (argument string, ok bool) {
	t := r.info.TypeOf(n)
	basic, ok := t.Underlying().(*types.Basic)
	if !ok || basic.Info()&(types.IsInteger|types.IsFloat) == 0 || basic.Info()&types.IsUntyped != 0 {
		return "", false
	}
	if types.Unalias(t) == basic {
		return "[" + basic.Name() + "]", true
	}
	return "", true
}

// assign handles += and -=.
func (r *rewriter) assign(n *ast.AssignStmt) {
	if n.Tok != token.ADD_ASSIGN && n.Tok != token.SUB_ASSIGN {
		return
	}
	left := r.text(n.Lhs[0])
	if _, ok := r.number(n.Lhs[0]); ok {
		r.insertBefore(n.Rhs[0], fmt.Sprintf("mutantTerm(%d, %d, %t, %s, ", r.add(n.TokPos, assignment),
			r.add(n.TokPos, alone), n.Tok == token.SUB_ASSIGN, left))
	} else {
		r.replace(n.TokPos, 2, fmt.Sprintf("= mutantJoin(%d, %s, ", r.add(n.TokPos, alone), left))
	}
	r.insertAfter(n.Rhs[0], ")")
}

// branch handles break and continue. A break needs a loop around it to become a continue. A continue does not become
// a break of a loop without condition, which may be the last statement of a function that returns a value.
func (r *rewriter) branch(n *ast.BranchStmt, stack []ast.Node) {
	other := map[token.Token]string{token.BREAK: "continue", token.CONTINUE: "break"}[n.Tok]
	if other == "" || n.Label != nil {
		return
	}
	ok := false
	for i := len(stack) - 1; i >= 0; i-- {
		switch around := stack[i].(type) {
		case *ast.RangeStmt:
			ok = true
		case *ast.ForStmt:
			ok = n.Tok == token.BREAK || around.Cond != nil
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			if n.Tok == token.BREAK {
				continue
			}
			ok = true
		case *ast.FuncLit, *ast.FuncDecl:
		default:
			continue
		}
		break
	}
	if ok {
		word := n.Tok.String()
		r.replace(n.TokPos, len(word), fmt.Sprintf("{ if mutantActive(%d) { %s }; %s }", r.add(n.TokPos, loop), other, word))
	}
}

func (r *rewriter) offset(pos token.Pos) int { return r.fset.Position(pos).Offset }

func (r *rewriter) text(n ast.Node) string {
	return string(r.source[r.offset(n.Pos()):r.offset(n.End())])
}

func (r *rewriter) add(pos token.Pos, mutation string) int {
	return r.register(r.offset(pos), mutation)
}

func (r *rewriter) replace(pos token.Pos, length int, text string) {
	at := r.offset(pos)
	r.edits = append(r.edits, edit{at, at + length, len(r.edits), text})
}

// insertBefore and insertAfter are called for outer nodes first: their text is outside that of inner ones.
func (r *rewriter) insertBefore(n ast.Node, text string) { r.replace(n.Pos(), 0, text) }

func (r *rewriter) insertAfter(n ast.Node, text string) {
	at := r.offset(n.End())
	r.edits = append(r.edits, edit{at, at, -1 - len(r.edits), text})
}

func (r *rewriter) wrap(n ast.Node, before, after string) {
	r.insertBefore(n, before)
	r.insertAfter(n, after)
}

func (r *rewriter) apply() []byte {
	slices.SortStableFunc(r.edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.rank, b.rank))
	})
	var out bytes.Buffer
	last := 0
	for _, e := range r.edits {
		out.Write(r.source[last:e.offset])
		out.WriteString(e.text)
		last = e.end
	}
	out.Write(r.source[last:])
	return out.Bytes()
}
