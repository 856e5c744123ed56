const LOOK_MS = 250;

/**
 * Ends with the npm that started us, when that is killed without a chance to pass a signal on: then
 * nobody would be left who could stop the service, and the next start would find it in the way. Started
 * otherwise, a service outlives its parent, as `nohup` and service managers expect.
 */
export function followNpm(self: Pick<NodeJS.Process, 'env' | 'ppid'>, hangUp: () => void): void {
  if (self.env['npm_lifecycle_event'] !== 'start') {
    return;
  }
  const npm = self.ppid;
  const timer = setInterval(() => {
    // An orphan gets another parent.
    if (self.ppid !== npm) {
      clearInterval(timer);
      hangUp();
    }
  }, LOOK_MS);
  timer.unref();
}
