package cmd_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "tracekeep"

// checkTree holds a source tree to the table and answers every violation. It
// parses the files itself: build tags hide nothing from it, and go test's cache
// sees every file it opens, so a cached pass cannot stand over a new violation.
func checkTree(tree fs.FS) ([]string, error) {
	problems, err := checkTop(tree)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && hidden(tree, name) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		found, err := checkFile(name, source)
		problems = append(problems, found...)
		return err
	})
	return problems, err
}

// hidden says whether a folder is not part of the source: dot-folders, test
// data, and at the top what .gitignore names.
func hidden(tree fs.FS, name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") || base == "testdata" || slices.Contains(ignored(tree), name)
}

// ignored lists what .gitignore keeps out at the top.
func ignored(tree fs.FS) []string {
	text, err := fs.ReadFile(tree, ".gitignore")
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
			out = append(out, strings.Trim(line, "/"))
		}
	}
	return out
}

func checkTop(tree fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, entry := range entries {
		name := entry.Name()
		allowed := topFiles
		if entry.IsDir() {
			allowed = topFolders
		}
		if strings.HasPrefix(name, ".") || slices.Contains(allowed, name) || slices.ContainsFunc(ignored(tree), func(pattern string) bool {
			matched, err := path.Match(pattern, name)
			return err == nil && matched
		}) {
			continue
		}
		problems = append(problems, name+": does not belong at the top")
	}
	return problems, nil
}

func checkFile(name string, source []byte) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	pkg, isTest := path.Dir(name), strings.HasSuffix(name, "_test.go")
	row, ok := ruleOf(pkg)
	if !ok {
		return []string{name + ": package " + pkg + " has no row in the table"}, nil
	}
	var problems []string
	for _, spec := range file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		if spec.Name != nil && spec.Name.Name == "." {
			problems = append(problems, name+": imports "+target+" with a dot, which hides what is used")
		}
		if why := forbidden(row, pkg, target, isTest); why != "" {
			problems = append(problems, fmt.Sprintf("%s: imports %s: %s", name, target, why))
		}
	}
	if row.pure && !isTest {
		problems = append(problems, impurities(name, file)...)
	}
	return problems, nil
}

// ruleOf finds the row of a package.
func ruleOf(pkg string) (rule, bool) {
	var best rule
	for _, r := range rules {
		if (pkg == r.path || !r.exact && strings.HasPrefix(pkg, r.path+"/")) && len(r.path) > len(best.path) {
			best = r
		}
	}
	return best, best.path != ""
}

// forbidden says why a package may not import a target, or nothing.
func forbidden(row rule, pkg, target string, isTest bool) string {
	own, isOwn := strings.CutPrefix(target, module+"/")
	switch first, _, _ := strings.Cut(target, "/"); {
	case isOwn:
		return forbiddenOwn(row, pkg, own, isTest)
	case strings.Contains(first, "."):
		if row.anyThird || covers(row.third, target) || isTest && covers(testTools, target) {
			return ""
		}
		return "third-party package without leave in the table"
	default:
		if !isTest && slices.ContainsFunc(row.noStd, func(closed string) bool {
			return target == closed || strings.HasPrefix(target, closed+"/")
		}) {
			return "closed for " + row.path
		}
		return ""
	}
}

func forbiddenOwn(row rule, pkg, own string, isTest bool) string {
	target, known := ruleOf(own)
	switch {
	case !known:
		return "package " + own + " has no row in the table"
	case target.testOnly && !isTest && target.path != row.path:
		return "only tests may import it"
	case target.testOnly || own == pkg:
		return ""
	case target.path == row.path && !row.exact: // parts of one adapter or one rule set
		return ""
	case covers(row.own, own):
		return ""
	case isTest && strings.HasPrefix(row.path, "adapters/") && covers(startable, own):
		return ""
	case isTest && pkg == "domain" && covers([]string{"domain/..."}, own): // real deciders to handle
		return ""
	}
	return "not a part that " + row.path + " may know"
}

// covers says whether a list in the notation of [rule] names a package.
func covers(list []string, pkg string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		if above, deep := strings.CutSuffix(entry, "/..."); deep {
			return pkg == above || strings.HasPrefix(pkg, above+"/")
		}
		return pkg == entry
	})
}

// impurities finds the uses of a clock, of random ids and of their like, called
// or passed on, under whatever name their package is imported.
func impurities(name string, file *ast.File) []string {
	banned := map[string]string{} // name in this file -> import path
	for _, spec := range file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil || impure[target] == nil {
			continue
		}
		local := path.Base(target)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		banned[local] = target
	}
	var problems []string
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if base, ok := selector.X.(*ast.Ident); ok && slices.Contains(impure[banned[base.Name]], selector.Sel.Name) {
			problems = append(problems, fmt.Sprintf("%s: uses %s.%s: time, ids and randomness arrive from outside", name, base.Name, selector.Sel.Name))
		}
		return true
	})
	return problems
}
