/** A site's own users: in the place of JupyterLite's user manager, which knows nobody. */
window._JUPYTERLAB.accounts = {
  init(scope) {
    this.scope = scope;
  },
  async get() {
    const [version] = Object.values(this.scope["@jupyterlab/services"]);
    const { IUserManager, UserManager } = (await version.get())();
    class Accounts extends UserManager {
      async requestUser() {}
      get identity() {
        document.documentElement.style.setProperty("--jp-collaborator-color9", "#0288d1");
        const color = "var(--jp-collaborator-color9)";
        return { username: "grace", name: "Grace", display_name: "Grace Hopper", color };
      }
    }
    const plugin = {
      id: "accounts:user-manager",
      autoStart: true,
      provides: IUserManager,
      activate: () => new Accounts(),
    };
    return () => ({ __esModule: true, default: [plugin] });
  },
};
