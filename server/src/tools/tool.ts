/** The door for a tool's file: `import { defineTool, ToolFailed } from 'millrace/tool'`. */
export { ToolFailed } from './envelope.ts'
export { defineTool } from './runner.ts'
export type { DeclaredError } from './envelope.ts'
export type { Tool, ToolDefinition, ToolHand } from './runner.ts'
export type { Answers, Question, QuestionKind, Questions } from './questions.ts'
