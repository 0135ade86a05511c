// SPDX-License-Identifier: Apache-2.0

package suite

// task is a case of a run.
type task struct {
	Case
	after  []*task
	ended  chan struct{} // closed when what follows is final
	result Result
	cut    bool // the run was ended meanwhile: the result says nothing
	mark   mark
}

// mark is how far a task is when tasks are put in order.
type mark int

const (
	unseen mark = iota
	open        // those that it comes after are being put in order
	placed
)

// plan makes a task of each chosen case.
func plan(cases []Case, match func(name string) bool) []*task {
	var tasks []*task
	named := map[string]*task{}
	for _, c := range cases {
		if match != nil && !match(c.Name) {
			continue
		}
		t := &task{Case: c, ended: make(chan struct{})}
		tasks = append(tasks, t)
		named[c.Name] = t
	}
	for _, t := range tasks {
		for _, name := range t.After {
			if before := named[name]; before != nil {
				t.after = append(t.after, before)
			}
		}
	}
	return tasks
}

// inOrder returns tasks so that each comes after those it waits for, and
// otherwise as they were. Begun in this order, each waits only for tasks that
// have begun, so none waits for ever, however few run at once. Where tasks come
// after each other in a circle, it is cut open.
func inOrder(tasks []*task) []*task {
	var order []*task
	var place func(t *task)
	place = func(t *task) {
		t.mark = open
		var after []*task
		for _, before := range t.after {
			if before.mark == unseen {
				place(before)
			}
			if before.mark == placed {
				after = append(after, before)
			}
		}
		t.after, t.mark = after, placed
		order = append(order, t)
	}
	for _, t := range tasks {
		if t.mark == unseen {
			place(t)
		}
	}
	return order
}
