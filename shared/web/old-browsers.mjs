// old-browsers.mjs - where built files use what Chromium 86 does not have.
//
// Vite lowers syntax and leaves functions and properties of style as they are; pack.mjs lets none of them through.
import { parseAst } from 'vite'
import { newerApi, newerStyle } from './newer-than-86.mjs'

/** Names that libraries give to methods of their own as well: only a page that runs can tell (the tests do). */
const kAmbiguous = ['with', 'union', 'intersection', 'difference', 'map', 'filter', 'take', 'drop', 'flatMap', 'reduce', 'toArray', 'forEach', 'some', 'every', 'find', 'reason', 'size', 'resize', 'transfer', 'reset']

const isPrototype = (owner) => owner.endsWith('.prototype')
const newerMembers = new Set(Object.entries(newerApi).flatMap(([owner, names]) => (isPrototype(owner) ? names.filter((n) => !kAmbiguous.includes(n)) : [])))
/** Not called but set. */
const kSet = ['inert', 'popover', 'onscrollend', 'onbeforetoggle', 'closedBy', 'letterSpacing', 'fontKerning']
const newerGlobals = new Set(newerApi.window)

export const tooNewInStyle = (text) => newerStyle.filter((s) => s.find.test(text)).map((s) => s.what)

function syntaxOf(node, parents) {
  if (node.type === 'StaticBlock') return 'static { } in a class (94)'
  if (node.type === 'BinaryExpression' && node.operator === 'in' && node.left.type === 'PrivateIdentifier') return '#x in (91)'
  if (node.type === 'Literal' && node.regex && /[dv]/.test(node.regex.flags)) return `flags ${node.regex.flags} of a pattern (90, 112)`
  const isAwait = node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await)
  if (isAwait && !parents.some((p) => /Function/.test(p.type))) return 'await outside of any function (89)'
  if (node.attributes?.length && /^(Import|Export)/.test(node.type)) return 'attributes of an import (91)'
  return ''
}

/** `x.at(…)`, `Object.hasOwn`, `structuredClone(…)`, `el.inert = …` */
function apiOf(node, parents) {
  const parent = parents[parents.length - 1]
  if (node.type === 'MemberExpression' && !node.computed) {
    const name = node.property.name
    if (node.object.type === 'Identifier' && newerApi[node.object.name]?.includes(name)) return `${node.object.name}.${name}`
    const isSet = parent?.type === 'AssignmentExpression' && parent.left === node
    const isUsed = kSet.includes(name) ? isSet : parent?.type === 'CallExpression' && parent.callee === node
    if (isUsed && newerMembers.has(name)) return `.${name}`
  }
  const isCalled = (parent?.type === 'CallExpression' || parent?.type === 'NewExpression') && parent.callee === node
  if (node.type === 'Identifier' && isCalled && newerGlobals.has(node.name)) return node.name
  return ''
}

export function tooNewInScript(text) {
  const found = new Set()
  const walk = (node, parents) => {
    for (const what of [syntaxOf(node, parents), apiOf(node, parents)]) if (what) found.add(what)
    const below = [...parents, node]
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) if (child && typeof child.type === 'string') walk(child, below)
    }
  }
  walk(parseAst(text), [])
  return [...found]
}
