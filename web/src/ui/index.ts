/**
 * The design system: pieces of one hand.  A page is made of these and nothing else:
 *
 * - `Page` around everything (title, breadcrumbs, actions), `Card` for its parts, `Tabs`
 *   for parts with addresses of their own, `Facts` and `Figure` for values in words.
 * - `States` around whatever was asked with `useAsked`: it shows loading, never used,
 *   filtered to nothing, failed, offline and not allowed; the page shows only the rest.
 * - `Table` for rows, `LoadMore` below what comes page by page (`usePages`).
 * - `useAct` for what a press does; `tell` and `tellProblem` for what was done; `ConfirmDialog` before what hurts.
 * - `Time`, `Money`, `Tokens`, `CopyButton`, `CodeBlock`, `JsonView` for values.
 *
 * Colours are roles from `styles.css`: paper, box, sunk, line, edge; ink, dim, faint;
 * accent; good, bad, warn, held, each with its wash.  Sizes of type: xs to 2xl.
 * A text that a person reads stands in `words/`, a file a room.
 * In development `/gallery` shows all pieces.
 */
export { Badge, StatusBadge } from './badge.tsx'
export { Button, ButtonLink, IconButton, Link } from './button.tsx'
export { Card, Facts, Figure } from './card.tsx'
export { ConfirmDialog, Dialog } from './dialog.tsx'
export { NumberField } from './number-field.tsx'
export { Slider } from './slider.tsx'
export { Field, Input, PausedSearch, SearchInput, Switch, Textarea } from './field.tsx'
export { Menu, MenuChoice, MenuItems, MenuLine, type MenuEntry } from './menu.tsx'
export { LoadMore, Page, Tabs } from './page.tsx'
export { usePages } from './pages.ts'
export { Progress, ProgressCounts } from './progress.tsx'
export { Combobox, Select, type Choice } from './select.tsx'
export { Empty, Filtered, Problem, Skeleton, States } from './states.tsx'
export { Table, type Column, type Selection } from './table.tsx'
export { tell, tellProblem, ToastProvider } from './toast.tsx'
export { useAct } from './act.ts'
export { useWrong } from './wrong.ts'
export { Tooltip, TooltipProvider } from './tooltip.tsx'
export { CodeBlock, CopyButton, JsonView, Kbd, Money, Time, Tokens } from './values.tsx'
