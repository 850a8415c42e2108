// What happens when a part of the page cannot be drawn? It says so in its own place, and the rest stands.

import { Component, type ComponentChildren } from "preact";

interface Props {
  /** What is not there when it fails, as the reader would call it: "The curves". */
  view: string;
  /** What the view is drawn from; when it changes, drawing is tried again. */
  of: unknown;
  children: ComponentChildren;
}

interface State {
  error: Error | null;
}

export class Boundary extends Component<Props, State> {
  override state: State = { error: null };

  static override getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.error && before.of !== this.props.of) this.setState({ error: null });
  }

  override render({ view, children }: Props, { error }: State) {
    if (!error) return children;
    return (
      <section class="card empty undrawn" role="alert">
        <h2>{view} could not be drawn</h2>
        <p class="said">{error.message || error.name}</p>
        <p class="muted">The rest of this page and all other runs are not affected. It is tried again with new data.</p>
      </section>
    );
  }
}
