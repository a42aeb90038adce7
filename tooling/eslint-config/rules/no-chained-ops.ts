import type { Rule } from 'eslint';

/** The part of typescript-eslint's parser services that this rule needs. */
interface TypeServices {
  getSymbolAtLocation?(
    node: unknown,
  ): { declarations?: { getSourceFile(): { fileName: string } }[] } | undefined;
}

/**
 * Refuses `a.add(b)` on tensors. Chained ops exist only where some module of the program registered them: they
 * type-check beside a test that imports `@tensorflow/tfjs` and throw in an application that does not.
 */
export const noChainedOps: Rule.RuleModule = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      chained: "'{{name}}' is a chained op: import {{name}} from '@tensorflow/tfjs-core' and call it.",
    },
  },
  create(context) {
    const services = context.sourceCode.parserServices as TypeServices;
    return {
      MemberExpression(node) {
        const { property } = node;
        if (node.computed || property.type !== 'Identifier') return;
        const declarations = services.getSymbolAtLocation?.(property)?.declarations ?? [];
        if (!declarations.some((d) => d.getSourceFile().fileName.includes('/chained_ops/'))) return;
        context.report({ node: property, messageId: 'chained', data: { name: property.name } });
      },
    };
  },
};
